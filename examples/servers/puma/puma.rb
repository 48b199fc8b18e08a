environment "production"
