#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""RTSP in, RTSP out: serves a camera's stream again, with what is seen drawn into it.

    rtsp.py MODEL URI [PORT]     then watch rtsp://localhost:8554/seen

URI is rtsp://…, or whatever else GStreamer opens. Needs gir1.2-gst-rtsp-server-1.0 (Debian)."""
import sys

from play import GLib, gi

gi.require_version("GstRtspServer", "1.0")
from gi.repository import GstRtspServer  # noqa: E402

if len(sys.argv) not in (3, 4):
    sys.exit(__doc__)
factory = GstRtspServer.RTSPMediaFactory(shared=True)
factory.set_launch(f'( uridecodebin uri="{sys.argv[2]}" ! fbnetdetect model-file="{sys.argv[1]}" overlay=true ! '
                   "videoconvert ! x264enc tune=zerolatency speed-preset=ultrafast ! rtph264pay name=pay0 )")
server = GstRtspServer.RTSPServer(address="127.0.0.1", service=(sys.argv + ["8554"])[3])
server.get_mount_points().add_factory("/seen", factory)
if server.attach(None) == 0:
    sys.exit(f"port {server.get_service()} cannot be listened on")
print(f"rtsp://localhost:{server.get_bound_port()}/seen", flush=True)
GLib.MainLoop().run()
