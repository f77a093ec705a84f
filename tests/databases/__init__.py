"""The databases on this machine: their programs, and a server that several learners share."""
