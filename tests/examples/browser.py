#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Looks at the page of examples/web.py in headless Chromium: the picture moves, boxes lie where the events say, and a
slider changes what is seen.

    browser.py ADDRESS [FOLDER]      FOLDER gets two screenshots"""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import gi

gi.require_version("Soup", "3.0")
from gi.repository import GLib, Soup  # noqa: E402

PATIENCE = 600  # seconds that a busy machine may take for anything
MOVED = 1.5  # pixels of the page that a box's edge may be off


def until(what, look):
    """What look() says, as soon as it is something."""
    end = time.monotonic() + PATIENCE
    while not (seen := look()):
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.2)
    return seen


class Browser:
    """A page in headless Chromium, spoken to by its DevTools protocol."""

    def __init__(self, address):
        self.folder = tempfile.mkdtemp()
        # A sanitizer that is loaded first is for the programs under test.
        own = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--window-size=1280,720", "--remote-debugging-port=0", f"--user-data-dir={self.folder}", address],
            env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.loop = GLib.MainLoop()
        self.number = 0

    def __enter__(self):
        try:
            self.connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def connect(self):
        listening = pathlib.Path(self.folder) / "DevToolsActivePort"
        port = until("Chromium", lambda: listening.exists() and listening.read_text().split("\n")[0])
        url = until("the page", lambda: self.page_url(port))
        Soup.Session().websocket_connect_async(Soup.Message.new("GET", url), None, None, 0, None, self.connected)
        self.loop.run()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def page_url(port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE) as pages:
            return next((page["webSocketDebuggerUrl"] for page in json.load(pages) if page["type"] == "page"), None)

    def connected(self, session, result):
        self.session = session
        self.socket = session.websocket_connect_finish(result)
        self.socket.props.max_incoming_payload_size = 0  # a screenshot is large
        self.socket.connect("message", self.heard)
        self.loop.quit()

    def heard(self, _socket, _type, message):
        answer = json.loads(message.get_data())
        if answer.get("id") == self.number:
            self.answer = answer
            self.loop.quit()

    def call(self, method, **parameters):
        self.number += 1
        self.answer = None
        self.socket.send_text(json.dumps({"id": self.number, "method": method, "params": parameters}))
        late = GLib.timeout_add_seconds(PATIENCE, self.loop.quit)
        self.loop.run()
        assert self.answer is not None, f"{method}: no answer"
        GLib.source_remove(late)
        assert "result" in self.answer, f"{method}: {self.answer}"
        return self.answer["result"]

    def value(self, expression):
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


# The picture as it is now; a sum of all its bytes would not see things move.
PICTURE = """(() => {
  const image = document.querySelector("img"), canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext("2d").drawImage(image, 0, 0);
  return image.naturalWidth > 0 && canvas.toDataURL();
})()"""
# Each box on the page, against what the last event said of it, scaled as the picture is: how far the worst edge is off.
OFF = """(() => {
  const image = document.querySelector("img").getBoundingClientRect();
  const frame = window.lastFrame, rects = document.querySelectorAll("rect");
  if (!frame || !frame.objects.length || rects.length != frame.objects.length) return null;
  const scale = image.width / frame.width;
  return String(Math.max(...frame.objects.map(({box: [x, y, width, height]}, i) => {
    const seen = rects[i].getBoundingClientRect();
    return Math.max(Math.abs(seen.left - image.left - x * scale), Math.abs(seen.right - image.left - (x + width) * scale),
                    Math.abs(seen.top - image.top - y * scale), Math.abs(seen.bottom - image.top - (y + height) * scale));
  })));
})()"""
# What the page draws is remembered together with what it drew.
REMEMBER = "(() => { const page = draw; draw = frame => { page(frame); window.lastFrame = frame; }; })(); true"
N_BOXES = "document.querySelectorAll('rect').length"


def slide(browser, name, value):
    browser.value(f"""(() => {{
      const slider = document.querySelector("input[name={name}]");
      slider.value = {value};
      slider.dispatchEvent(new Event("input"));
    }})()""")


def main(address, folder):
    with Browser(address) as browser:
        first = until("a picture", lambda: browser.value(PICTURE))
        until("another picture", lambda: browser.value(PICTURE) != first)
        until("boxes", lambda: browser.value(N_BOXES))
        browser.value(REMEMBER)
        off = float(until("an event with boxes", lambda: browser.value(OFF)))
        assert off < MOVED, f"a box is {off} pixels off"
        if folder:
            browser.screenshot(folder / "page.png")
        slide(browser, "score-threshold", 1)
        until("no boxes", lambda: browser.value(N_BOXES) == 0)
        if folder:
            browser.screenshot(folder / "slid.png")
        slide(browser, "score-threshold", 0.3)
        until("boxes again", lambda: browser.value(N_BOXES))
        figures = browser.value("document.getElementById('figures').textContent")
        assert "frames per second" in figures, figures
        print(f"boxes lie within {off:.2f} pixels; {figures}")


main(sys.argv[1], pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None)
