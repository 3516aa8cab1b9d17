# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the examples in Python share: a pipeline played to its end, and what is on its buffers.

Needs PyGObject (Debian: python3-gi, gir1.2-gst-plugins-base-1.0)."""
import itertools
import os
import re
import signal
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GLib, Gst, GstVideo  # noqa: E402

Gst.init(None)


def parse(line):
    """The launch line as a pipeline; ends the program if it is none."""
    try:
        return Gst.parse_launch(line)
    except GLib.Error as error:
        sys.exit(error.message)


def as_uri(source):
    """A camera's or a film's address as it is, a file's name as one."""
    return source if Gst.uri_is_valid(source) else Gst.filename_to_uri(source)


def as_port(text):
    """The number of a port, as text; ends the program if it is none."""
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        sys.exit(f"PORT: expected 0…65535, found {text}")
    return text


def on_buffer(pipeline, name, function):
    """Calls function(buffer) for each buffer that leaves the element, in its streaming thread; one for which it
    returns False goes no further. What it raises is an error of the pipeline, and the end of the calls; that nobody
    reads what it prints any more is the end of the program, as for every program in a pipe."""
    element = pipeline.get_by_name(name)
    failed = threading.Event()

    def probe(_pad, info):
        dropped = failed.is_set()
        try:
            dropped = dropped or function(info.get_buffer()) is False
        except BrokenPipeError:
            os._exit(128 + signal.SIGPIPE)
        except Exception as error:
            failed.set()
            element.post_message(Gst.Message.new_error(element, GLib.Error(str(error) or type(error).__name__), ""))
        return Gst.PadProbeReturn.DROP if dropped or failed.is_set() else Gst.PadProbeReturn.OK
    element.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, probe)


def read_by(element):
    """The address that the element, or what it is part of, reads from; without a password. None if it reads nothing."""
    while element and not element.find_property("uri"):
        element = element.get_parent()
    return re.sub("//[^/]*@", "//", element.get_property("uri")) if element else None


def describe_error(message):
    """Whose error it is, what went wrong, and the last line of what GStreamer knows beside it."""
    error, details = message.parse_error()
    beside = [line for line in (details or "").splitlines() if line][1:]
    address = read_by(message.src)
    return (f"{address}: " if address else "") + error.message + (f" ({beside[-1]})" if beside else "")


def end(words):
    """The program, with a sentence. What could not be written is not tried again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(words)


def stop(pipeline):
    """What is on its way up while an error comes can refuse to go down, once."""
    for _ in range(100):
        if pipeline.set_state(Gst.State.NULL) != Gst.StateChangeReturn.FAILURE:
            break
        time.sleep(0.01)


def play(pipeline):
    """To the end, or an error, which ends the program."""
    pipeline.set_state(Gst.State.PLAYING)
    try:
        message = pipeline.get_bus().timed_pop_filtered(
            Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    except KeyboardInterrupt:
        stop(pipeline)
        end(130)
    words = describe_error(message) if message.type == Gst.MessageType.ERROR else None  # while there is what it is about
    stop(pipeline)
    if words:
        end(words)


def regions(buffer):
    """The detections on a buffer, the best first."""
    for i in itertools.count():
        region = GstVideo.buffer_get_video_region_of_interest_meta_id(buffer, i)
        if not region:
            return
        if region.get_param("detection"):
            yield region


def label(region):
    return GLib.quark_to_string(region.roi_type)


def confidence(region):
    return region.get_param("detection").get_double("confidence").value


def describe(region):
    """A detection as JSON has it."""
    thing = {"label": label(region), "confidence": round(confidence(region), 4),
             "box": [region.x, region.y, region.w, region.h]}
    if track := region.get_param("object_id"):
        thing["track"] = track.get_int("id").value
    return thing
