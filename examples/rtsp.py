#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""RTSP in, RTSP out: serves a camera's stream again, with what is seen drawn into it; a second stream beside the picture
says it in JSON, a packet a frame with that frame's time.

    rtsp.py MODEL URI|FILE [PORT]     then watch rtsp://localhost:8554/seen, and read the other stream:
    gst-launch-1.0 -q rtspsrc location=rtsp://localhost:8554/seen ! application/x-rtp,media=application ! \\
      rtpgstdepay ! fdsink

URI is rtsp://…, or whatever else GStreamer opens. Needs gir1.2-gst-rtsp-server-1.0 (Debian)."""
import json
import signal
import sys

from play import GLib, Gst, as_port, as_uri, describe, describe_error, gi, on_buffer, parse, play, regions

gi.require_version("GstRtspServer", "1.0")
from gi.repository import GstRtspServer  # noqa: E402


def tell_error(_bus, message):
    print(describe_error(message), file=sys.stderr, flush=True)


def watch_over(_factory, media):
    """What goes wrong while it is served; a client is told of no reason."""
    bus = media.get_element().get_parent().get_bus()
    bus.enable_sync_message_emission()
    bus.connect("sync-message::error", tell_error)


def tell_beside(_factory, media):
    """A line for each frame, into the second stream."""
    words = media.get_element().get_by_name("words")

    def tell(buffer):
        line = json.dumps([describe(region) for region in regions(buffer)]) + "\n"
        told = Gst.Buffer.new_wrapped(line.encode())
        told.pts, told.duration = buffer.pts, buffer.duration
        words.emit("push-buffer", told)
    on_buffer(media.get_element(), "detector", tell)


if len(sys.argv) not in (3, 4):
    sys.exit(__doc__)
port, uri = as_port((sys.argv + ["8554"])[3]), as_uri(sys.argv[2])
detector = f'fbnetdetect name=detector model-file="{sys.argv[1]}" overlay=true'
# A frame of a film, or of any, tells now what no client would be told of later. A camera may be off still.
first = f'uridecodebin uri="{uri}"' if uri.startswith("file:") else "videotestsrc"
play(parse(f"{first} ! {detector} ! fakesink num-buffers=1"))
factory = GstRtspServer.RTSPMediaFactory(shared=True)
factory.set_launch(f'( uridecodebin uri="{uri}" ! {detector} ! videoconvert ! '
                   "x264enc tune=zerolatency speed-preset=ultrafast ! rtph264pay name=pay0 "
                   "appsrc name=words format=time caps=application/x-json ! rtpgstpay name=pay1 pt=97 )")
factory.connect("media-configure", watch_over)
factory.connect("media-configure", tell_beside)
server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
server.get_mount_points().add_factory("/seen", factory)
if server.attach(None) == 0:
    sys.exit(f"port {server.get_service()} cannot be listened on")
signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C ends it at once
print(f"rtsp://localhost:{server.get_bound_port()}/seen", flush=True)
GLib.MainLoop().run()
