sub { return [200, ["Content-Type" => "text/plain"], ["pid=$$\n"]] };
