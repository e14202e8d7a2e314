"""A server in a folder of its own, for the functional tests: `redoubt serve --dev` on a port that the
kernel picks."""
import os
import signal
import subprocess
import time

from harness import REDOUBT, redoubt

START_SECONDS = 60
AWS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS", "AWS_CA_BUNDLE", "AWS_ACCESS_KEY_ID",
       "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION")
for name in AWS:
    os.environ.pop(name, None)  # nobody's own server


def env_file(path):
    with open(path, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)


class Server:
    def __init__(self, folder, *args):
        self.data = folder
        self.args = args
        self.process = None
        self.url = ""

    def start(self, listen="127.0.0.1:0"):
        words = [REDOUBT, "serve", "--dev", "--data", self.data, "--listen", listen]
        # the words to a file: a full pipe would stop the server
        self.log = open(self.data + ".log", "ab")
        self.process = subprocess.Popen(words + list(self.args), stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode()
        if not line.startswith("ready "):
            self.stop()
            with open(self.data + ".log", encoding="utf-8", errors="replace") as file:
                raise RuntimeError("the server does not start: %s%s" % (line, file.read()[-2000:]))
        self.url = line.split()[1]
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(how)
        try:
            status = self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        self.log.close()
        self.process = None
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def env(self, who="dev"):
        """Of the administrator, or of the application ("app")."""
        env = env_file(os.path.join(self.data, who + ".env"))
        env["AWS_ENDPOINT_URL"] = self.url
        return env

    def admin(self, *args, **more):
        return redoubt(*args, env=dict(self.env(), **more.pop("env", {})), **more)


def wait_for(what, seconds=30):
    """Until what() is true, or the time is up."""
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()
