var admin;
