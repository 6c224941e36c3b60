"""The lab as a process: servers, control port, and the handle that opens, steers and ends it."""
