run lambda { |env| [200, { "content-type" => "text/plain" }, ["pid=#{Process.pid}\n"]] }
