"""What people do under load: pause, resume and cancel."""
