"""A headless Chromium, driven through chromedriver by the standard library alone."""

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's id in the WebDriver protocol
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
]


def missing():
    """What the machine lacks, or None."""
    lacking = [
        name
        for name, found in (
            ("Chromium", shutil.which("chromium") or shutil.which("google-chrome")),
            ("chromedriver", shutil.which("chromedriver")),
        )
        if not found
    ]
    return f"no {' and no '.join(lacking)} on this machine" if lacking else None


class Browser:
    """One window."""

    def __init__(self, url, session):
        self.url = f"{url}/session/{session}"

    def call(self, method, path, **body):
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(
            f"{self.url}/{path}", data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, path, width=1280, height=1100, dark=False, reduced_motion=False, scripts=True):
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if reduced_motion else "no-preference"},
        ]
        self.devtools("Emulation.setEmulatedMedia", features=features)
        self.devtools("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        self.call("POST", "url", url=path.as_uri())

    def devtools(self, command, **params):
        return self.call("POST", "goog/cdp/execute", cmd=command, params=params)

    def run(self, script, *arguments):
        """The value of a JavaScript function body."""
        return self.call("POST", "execute/sync", script=script, args=list(arguments))

    def find(self, css):
        return self.call("POST", "element", using="css selector", value=css)[ELEMENT]

    def click(self, css):
        self.call("POST", f"element/{self.find(css)}/click")

    def keys(self, css, text):
        self.call("POST", f"element/{self.find(css)}/value", text=text)

    def text(self, css):
        return self.run("return document.querySelector(arguments[0]).textContent", css)

    def errors(self):
        """What the page has complained of since the last call."""
        log = self.call("POST", "se/log", type="browser")
        return [entry["message"] for entry in log if entry["level"] in ("SEVERE", "WARNING")]

    def picture(self, path):
        """Save a picture of the whole page."""
        height = self.run("return Math.ceil(document.documentElement.scrollHeight)")
        width = self.run("return innerWidth")
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        time.sleep(0.2)  # the page draws itself anew where its width has changed
        path.write_bytes(base64.b64decode(self.devtools("Page.captureScreenshot")["data"]))


@contextmanager
def browser():
    """A browser of its own, which ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            with driver.stdout as lines:
                port = next(
                    line.split()[-1].rstrip(b".").decode()
                    for line in lines
                    if b"was started successfully on port" in line
                )
                url = f"http://127.0.0.1:{port}"
                wanted = {
                    "goog:chromeOptions": {"args": [*FLAGS, f"--user-data-dir={profile}"]},
                    "goog:loggingPrefs": {"browser": "ALL"},
                }
                body = json.dumps({"capabilities": {"alwaysMatch": wanted}}).encode()
                request = urllib.request.Request(f"{url}/session", body, {"Content-Type": "application/json"})
                with urllib.request.urlopen(request, timeout=60) as answer:
                    window = Browser(url, json.load(answer)["value"]["sessionId"])
                try:
                    yield window
                finally:
                    urllib.request.urlopen(urllib.request.Request(window.url, method="DELETE"), timeout=30).close()
        finally:
            driver.terminate()
            driver.wait()
