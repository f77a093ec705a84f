"""Every notebook in a real JupyterLab and a real browser, with no network but loopback."""
