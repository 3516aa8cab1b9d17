#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shows a camera in a browser: the live picture, what is seen in it, and sliders that act at once.

    web.py MODEL URI|FILE [PORT]      then open http://localhost:8080

URI is v4l2:///dev/video0 or rtsp://…; a film begins anew at its end. Needs libsoup 3 (gir1.2-soup-3.0).
The picture is a stream of JPEGs with the masks in it; boxes and figures come beside it as server-sent events."""
import json
import pathlib
import signal
import sys

from play import GLib, Gst, as_port, as_uri, confidence, describe_error, end, gi, label, on_buffer, parse, regions, stop

gi.require_version("Soup", "3.0")
from gi.repository import Soup  # noqa: E402

SLIDERS = {"score-threshold": float, "iou-threshold": float, "mask-threshold": float, "min-size": int,
           "draw-masks": bool}
BOUNDARY = "frame"


class Stream:
    """A response without an end, for every browser that asks; a slow one misses parts."""

    def __init__(self, content_type):
        self.content_type = content_type
        self.idle = {}  # message → whether it can take a part

    def add(self, message):
        headers = message.get_response_headers()
        headers.set_encoding(Soup.Encoding.CHUNKED)
        headers.replace("Content-Type", self.content_type)
        headers.replace("Cache-Control", "no-store")
        message.set_status(200, None)
        message.get_response_body().set_accumulate(False)
        message.connect("wrote-chunk", lambda message: self.idle.update({message: True}))
        message.connect("finished", lambda message: self.idle.pop(message, None))
        self.idle[message] = True

    def send(self, part):
        for message, idle in list(self.idle.items()):
            if idle:
                self.idle[message] = False
                message.get_response_body().append(part)
                message.unpause()


def describe(buffer):
    caps = detector.get_static_pad("src").get_current_caps().get_structure(0)
    stats = detector.get_property("stats")  # owns what is read from it
    age = stats.get_uint64("age").value
    return {"width": caps.get_int("width").value, "height": caps.get_int("height").value,
            "objects": [{"label": label(region), "confidence": confidence(region),
                         "box": [region.x, region.y, region.w, region.h]} for region in regions(buffer)],
            "frames per second": stats.get_double("frames-per-second").value,
            "network, ms": stats.get_value("mean-ms").get_double("total").value,
            "age, ms": None if age == Gst.CLOCK_TIME_NONE else age / Gst.MSECOND}


def send_events(buffer):
    """In the streaming thread; the server lives in the main one."""
    text = f"data: {json.dumps(describe(buffer))}\n\n".encode()
    GLib.idle_add(events.send, text)


def send_picture(sink):
    buffer = sink.emit("pull-sample").get_buffer()
    jpeg = buffer.extract_dup(0, buffer.get_size())
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
    GLib.idle_add(pictures.send, head + jpeg + b"\r\n")
    return Gst.FlowReturn.OK


def set_property(message):
    try:
        for name, value in json.loads(message.get_request_body().flatten().get_data()).items():
            detector.set_property(name, SLIDERS[name](value))
        message.set_status(204, None)
    except (ValueError, KeyError, AttributeError) as error:
        message.set_response("text/plain", Soup.MemoryUse.COPY, str(error).encode())
        message.set_status(400, None)


def answer(_server, message, path, _query):
    if path == "/picture":
        pictures.add(message)
    elif path == "/events":
        events.add(message)
    elif path == "/set" and message.get_method() == "POST":
        set_property(message)
    elif path == "/values":
        values = {name: detector.get_property(name) for name in SLIDERS}
        message.set_response("application/json", Soup.MemoryUse.COPY, json.dumps(values).encode())
        message.set_status(200, None)
    elif path == "/":
        page = pathlib.Path(__file__).with_name("web.html").read_bytes()
        message.set_response("text/html; charset=utf-8", Soup.MemoryUse.COPY, page)
        message.set_status(200, None)
    else:
        message.set_status(404, None)


def hear(_bus, message):
    if message.type == Gst.MessageType.ERROR:
        words = describe_error(message)
        stop(pipeline)
        end(words)
    if message.type == Gst.MessageType.EOS:
        pipeline.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH, 0)


if len(sys.argv) not in (3, 4):
    sys.exit(__doc__)
port = int(as_port((sys.argv + ["8080"])[3]))
pictures = Stream(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
events = Stream("text/event-stream")
pipeline = parse(f'uridecodebin uri="{as_uri(sys.argv[2])}" ! clocksync ! '
                 f'fbnetdetect name=detector model-file="{sys.argv[1]}" '
                 "scheduling=latest overlay=true draw-boxes=false draw-labels=false draw-scores=false ! "
                 "queue max-size-buffers=2 leaky=downstream ! videoconvert ! jpegenc ! "
                 "appsink name=sink emit-signals=true max-buffers=1 drop=true")
detector = pipeline.get_by_name("detector")
on_buffer(pipeline, "detector", send_events)
pipeline.get_by_name("sink").connect("new-sample", send_picture)
bus = pipeline.get_bus()
bus.add_signal_watch()
bus.connect("message", hear)

server = Soup.Server()
server.add_handler(None, answer)
try:
    server.listen_local(port, Soup.ServerListenOptions.IPV4_ONLY)
except GLib.Error as error:
    sys.exit(error.message)
signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C ends it at once
print(f"http://localhost:{server.get_uris()[0].get_port()}", flush=True)
pipeline.set_state(Gst.State.PLAYING)
GLib.MainLoop().run()
