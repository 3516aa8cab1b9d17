#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples do what they say, on generated scenes with a small model for them. Prints TAP; what a machine lacks is skipped
by name.

    test-examples.py NAME…     PATH has the programs, FBNET_SOURCE_ROOT and FBNET_EXAMPLES are set"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PYTHON = "/usr/bin/python3"  # that Debian installs PyGObject for
EXAMPLES = pathlib.Path(os.environ["FBNET_SOURCE_ROOT"]) / "examples"
BUILT = pathlib.Path(os.environ["FBNET_EXAMPLES"])
MODEL = os.environ["FBNET_SYMBOLS"]
BUNDLED_MODEL = os.environ["FBNET_BUNDLED_MODEL"]
PATIENCE = 1000  # seconds that a busy machine, or a sanitizer, may take for anything
N_SCENES = 8
RATE = 5  # frames a second


class Skipped(Exception):
    pass


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skipped(f"no {program}")


def need_elements(*names):
    for name in names:
        if subprocess.run(["gst-inspect-1.0", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            raise Skipped(f"no element {name}")


def need_python(*namespaces):
    for namespace, version in namespaces:
        line = f"import gi; gi.require_version('{namespace}', '{version}')"
        if subprocess.run([PYTHON, "-c", line], stderr=subprocess.DEVNULL).returncode:
            raise Skipped(f"no PyGObject with {namespace}")


def need_modules(*names):
    for name in names:
        if subprocess.run([PYTHON, "-c", f"import {name}"], stderr=subprocess.DEVNULL).returncode:
            raise Skipped(f"no Python module {name}")


def run(*command, timeout=PATIENCE, **options):
    done = subprocess.run([str(part) for part in command], timeout=timeout, text=True, capture_output=True, **options)
    assert done.returncode == 0, f"{command[0]}: {done.returncode}: {done.stderr}"
    return done.stdout


def example(name, *arguments):
    need_python(("Gst", "1.0"), ("GstVideo", "1.0"))
    return run(PYTHON, EXAMPLES / name, *arguments)


def launch(line):
    return run("gst-launch-1.0", "-q", *line.split())


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.1)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Running:
    """A program in the background, ended with the block; `line` is the first that it prints."""

    def __init__(self, *command, stderr=None):
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=stderr, text=True)

    def __enter__(self):
        self.line = self.process.stdout.readline().strip()
        assert self.line, "ended without a word"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class Broker:
    """mosquitto on a port of this machine, which keeps what a reader has not heard yet."""

    def __enter__(self):
        self.port = free_port()
        self.process = subprocess.Popen(["mosquitto", "-p", str(self.port)], stderr=subprocess.DEVNULL)
        wait_for("the broker", lambda: answers(self.port))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def at(self, topic):
        return ["-h", "127.0.0.1", "-p", self.port, "-q", 1, "-t", topic]

    def subscribe(self, topic):
        run("mosquitto_sub", *self.at(topic), "-i", "reader", "-c", "-E")

    def hear(self, topic, n):
        return run("mosquitto_sub", *self.at(topic), "-i", "reader", "-c", "-C", n).splitlines()


# --- What there is to see ---------------------------------------------------------------------------

def make_clip():
    """A film of generated scenes, and what is on them."""
    run("fbnet-scenes", "--count", N_SCENES, "--seed", 7, "-o", "scenes")
    launch(f"multifilesrc location=scenes/images/scene-%06d.jpg caps=image/jpeg,framerate={RATE}/1 ! "
           "avimux ! filesink location=clip.avi")
    with open("scenes/annotations.json") as file:
        return json.load(file)


def overlap(a, b):
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


# --- Tests ------------------------------------------------------------------------------------------

def test_lines(truth):
    """A line a frame, and the boxes are where the scenes' annotations have them."""
    lines = [json.loads(line) for line in example("lines.py", MODEL, "clip.avi").splitlines()]
    names = {category["id"]: category["name"] for category in truth["categories"]}
    n_found = 0
    assert [line["time"] for line in lines] == [i / RATE for i in range(N_SCENES)]
    for thing in truth["annotations"]:
        objects = lines[sorted(image["id"] for image in truth["images"]).index(thing["image_id"])]["objects"]
        n_found += any(seen["label"] == names[thing["category_id"]] and overlap(seen["box"], thing["bbox"]) > 0.5
                       for seen in objects)
    assert n_found > 0.7 * len(truth["annotations"]), f"{n_found} of {len(truth['annotations'])}"
    # What cannot be written, and what is not there, is a sentence and the end.
    for output, film, words in (("/dev/full", "clip.avi", "No space left"), ("/dev/null", "nope.avi", "nope.avi")):
        with open(output, "w") as out:
            lost = subprocess.run([PYTHON, EXAMPLES / "lines.py", MODEL, film], stdout=out, stderr=subprocess.PIPE,
                                  text=True, timeout=PATIENCE)
        assert lost.returncode == 1 and words in lost.stderr and lost.stderr.count("\n") == 1, lost.stderr
    for name in ("lines.py", "watch.py"):  # nobody reads any more: no words, as from every program in a pipe
        reader, writer = os.pipe()
        os.close(reader)
        left = subprocess.run([PYTHON, EXAMPLES / name, MODEL, "clip.avi"], stdout=writer, stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE)
        os.close(writer)
        assert left.returncode in (-signal.SIGPIPE, 128 + signal.SIGPIPE) and not left.stderr, left


def test_lines_of_several(_truth):
    """Several films in one process: each has its lines, in order, and they are those that it has alone."""
    alone = [json.loads(line) for line in example("lines.py", MODEL, "clip.avi").splitlines()]
    shutil.copy("clip.avi", "yard.avi")
    yard = pathlib.Path("yard.avi").absolute().as_uri()
    lines = [json.loads(line) for line in example("lines.py", MODEL, "clip.avi", yard, "threads=1").splitlines()]
    assert len(lines) == 2 * N_SCENES
    for source in ("clip.avi", yard):
        assert [line for line in lines if line["source"] == source] == [{"source": source} | line for line in alone]


def test_mqtt(_truth):
    """The same lines arrive over a broker."""
    need("mosquitto", "mosquitto_pub", "mosquitto_sub")
    with Broker() as broker:
        broker.subscribe("cameras/door")
        lines = example("lines.py", MODEL, "clip.avi")
        run("mosquitto_pub", *broker.at("cameras/door"), "-l", input=lines)
        assert broker.hear("cameras/door", N_SCENES) == lines.splitlines()


def test_service(_truth):
    """systemd knows every setting of the unit, and its command line tells a broker what several cameras see."""
    need("systemd-analyze", "mosquitto", "mosquitto_pub", "mosquitto_sub")
    unit = EXAMPLES / "fbnet-cameras.service"
    complaints = subprocess.run(["systemd-analyze", "verify", unit], text=True, capture_output=True).stderr
    assert "fbnet" not in complaints, complaints
    command = re.search(r"^ExecStart=/bin/sh -c '(.*)'$", unit.read_text(), re.MULTILINE).group(1)
    command = command.replace("$$", "$").replace("/usr/local/lib/fbnet", str(EXAMPLES)).replace("python3", PYTHON)
    need_python(("Gst", "1.0"), ("GstVideo", "1.0"))
    uri = pathlib.Path("clip.avi").absolute().as_uri()
    with Broker() as broker:
        broker.subscribe("cameras/hall")
        run("sh", "-c", command, env=os.environ | {"MODEL": MODEL, "CAMERAS": f"{uri} clip.avi",
                                                   "TOPIC": f"mqtt://127.0.0.1:{broker.port}/cameras/hall"})
        heard = [json.loads(line) for line in broker.hear("cameras/hall", 2 * N_SCENES)]
    assert {line["source"] for line in heard} == {uri, "clip.avi"}
    assert any("track" in thing for line in heard for thing in line["objects"])


def test_record(_truth):
    """Of a film with something for a second at two times there are two films, each of some two seconds more before
    and after."""
    need_elements("x264enc", "splitmuxsink", "mp4mux", "h264parse", "jpegdec")
    os.makedirs("long")
    launch(f"videotestsrc num-buffers=1 pattern=white ! video/x-raw,width=320,height=240 ! jpegenc ! "
           "filesink location=blank.jpg")
    launch("filesrc location=scenes/images/scene-000000.jpg ! jpegdec ! videoconvert ! videoscale ! "
           "video/x-raw,width=320,height=240 ! jpegenc ! filesink location=seen.jpg")
    seconds = [0] * 6 + [1] + [0] * 8 + [1] + [0] * 5
    for i in range(len(seconds) * RATE):
        shutil.copy("seen.jpg" if seconds[i // RATE] else "blank.jpg", f"long/{i:03}.jpg")
    launch(f"multifilesrc location=long/%03d.jpg caps=image/jpeg,framerate={RATE}/1 ! avimux ! filesink location=long.avi")
    example("record.py", MODEL, "long.avi", "films")
    films = sorted(pathlib.Path("films").iterdir())
    assert len(films) == 2, films
    for film in films:
        launch(f"filesrc location={film} ! decodebin ! videoconvert ! jpegenc ! "
               f"multifilesink location=films-{film.stem}-%03d.jpg")
        n = len(list(pathlib.Path().glob(f"films-{film.stem}-*.jpg")))
        assert 5 * RATE - 2 <= n <= 5 * RATE, f"{film}: {n} frames"


def test_teach(truth):
    """From pictures in sub-folders, below names that a shell has to be told of, to a model in int8."""
    need("fbnet-dataset", "fbnet-train", "fbnet-quantize", "fbnet-eval")
    place = pathlib.Path("it's a \"set\" & $more")
    named = json.loads(json.dumps(truth))
    for image in named["images"]:
        sub = "a" if image["id"] % 2 else "b 'c'"
        (place / "images" / sub).mkdir(parents=True, exist_ok=True)
        shutil.copy(f"scenes/images/{image['file_name']}", place / "images" / sub)
        image["file_name"] = f"{sub}/{image['file_name']}"
    (place / "labels.json").write_text(json.dumps(named))
    command = ["sh", EXAMPLES / "teach.sh", place / "labels.json", place / "images", place / "taught", MODEL,
               "--iterations", 1, "--batch", 2, "--threads", 2]
    run(*command)
    assert (place / "taught" / "model-int8.safetensors").exists()
    run(*command)  # goes on where it was, and is done


def test_cameras(_truth):
    """Two films beside each other, with what is seen drawn into both."""
    need_elements("compositor", "jpegenc")
    uri = pathlib.Path("clip.avi").absolute().as_uri()
    example("cameras.py", MODEL, "videoconvert ! video/x-raw,format=RGB ! filesink location=wall.rgb", uri, "clip.avi")
    wall = pathlib.Path("wall.rgb").read_bytes()
    frame = 1280 * 360 * 3
    assert len(wall) % frame == 0 and len(wall) // frame >= N_SCENES - 1, len(wall)
    rows = [wall[y * 1280 * 3:(y + 1) * 1280 * 3] for y in range(360)]
    assert all(row[:640 * 3] == row[640 * 3:] for row in rows)
    assert len(set(rows[180])) > 20


def test_count(_truth):
    """The sheet's six symbols move down through the line, the upper two back up; each has one number all the time."""
    need_modules("PIL")
    if "tracking" not in run("gst-inspect-1.0", "fbnetdetect"):
        raise Skipped("the element does not track")
    from PIL import Image
    run("fbnet-scenes", "--sheet", "sheet.png")
    with Image.open("sheet.png") as sheet:
        sheet = sheet.convert("RGB").resize((330, 466))
    os.makedirs("moving")
    heights = [*range(60, 460, 10), *range(460, 300, -10)]
    for i, y in enumerate(heights):
        frame = Image.new("RGB", (480, 960), (120, 130, 110))
        frame.paste(sheet, (70, y))
        frame.save(f"moving/{i:03}.jpg", quality=92)
    launch("multifilesrc location=moving/%03d.jpg caps=image/jpeg,framerate=10/1 ! avimux ! filesink location=moving.avi")
    counted = example("count.py", MODEL, "moving.avi").splitlines()
    assert counted == ["arrow down: 1", "arrow up: 1", "cross down: 1", "cross up: 1", "heart down: 1", "moon down: 1",
                       "ring down: 1", "star down: 1"], counted
    lines = example("lines.py", MODEL, "moving.avi", "tracking=true").splitlines()
    tracks = {(thing["label"], thing["track"]) for line in lines for thing in json.loads(line)["objects"]}
    assert len(tracks) == 6, tracks


def frames_of(name, line):
    """Grey frames of what the line shows, as one array."""
    import numpy
    launch(f"{line} ! video/x-raw,format=GRAY8 ! filesink location={name}")
    return numpy.fromfile(name, numpy.uint8)


def test_blur(truth):
    """Tiles of what is seen have one value; what is not seen is untouched."""
    need_modules("numpy")
    import numpy
    width, height = truth["images"][0]["width"], truth["images"][0]["height"]
    source = "filesrc location=clip.avi ! decodebin ! videoconvert ! video/x-raw,format=I420"
    plain = frames_of("plain.gray", f"{source} ! videoconvert").reshape(-1, height, width)
    run(BUILT / "blur", f"{source} ! fbnetdetect name=detector model-file={MODEL} ! videoconvert ! "
        "video/x-raw,format=GRAY8 ! filesink location=blurred.gray")
    blurred = numpy.fromfile("blurred.gray", numpy.uint8).reshape(plain.shape)
    lines = [json.loads(line) for line in example("lines.py", MODEL, "clip.avi").splitlines()]
    n_flat = 0
    for before, after, line in zip(plain, blurred, lines):
        outside = numpy.ones(before.shape, bool)
        for x, y, w, h in (thing["box"] for thing in line["objects"]):
            outside[y // 16 * 16:(y + h + 15) // 16 * 16, x // 16 * 16:(x + w + 15) // 16 * 16] = False
            middle = after[(y + h // 2) // 16 * 16:, (x + w // 2) // 16 * 16:][:16, :16]
            n_flat += middle.max() == middle.min()
        assert (before == after)[outside].all()
    n = sum(len(line["objects"]) for line in lines)
    assert n_flat > 0.7 * n, f"{n_flat} of {n}"


def test_rtsp(truth):
    """A stream comes in, goes out with what is seen in a stream beside it, comes into a second server, and out of it to
    a client."""
    need_python(("GstRtspServer", "1.0"))
    need_elements("x264enc", "rtph264pay", "rtpgstpay", "appsrc", "avdec_h264", "rtspsrc", "jpegenc")
    with Running(PYTHON, EXAMPLES / "rtsp.py", MODEL, "clip.avi", 0) as first:
        told = launch(f"rtspsrc location={first.line.replace('localhost', '127.0.0.1')} latency=0 ! "
                      "application/x-rtp,media=application ! rtpgstdepay ! identity eos-after=3 ! fdsink")
        things = [thing for line in told.splitlines() for thing in json.loads(line)]
        names = {category["name"] for category in truth["categories"]}
        assert things and {thing["label"] for thing in things} <= names, told
        with Running(PYTHON, EXAMPLES / "rtsp.py", MODEL, first.line.replace("localhost", "127.0.0.1"), 0) as second:
            launch(f"rtspsrc location={second.line.replace('localhost', '127.0.0.1')} latency=0 ! rtph264depay ! "
                   "avdec_h264 ! identity eos-after=3 ! videoconvert ! jpegenc ! multifilesink location=rtsp-%d.jpg")
    assert pathlib.Path("rtsp-0.jpg").stat().st_size > 1000
    # Why there is nothing to see is told where the server runs; a camera's password is not.
    port = free_port()
    command = [PYTHON, EXAMPLES / "rtsp.py", MODEL, f"rtsp://me:secret@127.0.0.1:{port}/no", 0]
    with open("told.txt", "w") as told, Running(*command, stderr=told) as server:
        assert subprocess.run(["gst-launch-1.0", "-q", "rtspsrc", f"location={server.line}", "!", "fakesink"],
                              capture_output=True, timeout=PATIENCE).returncode
        wait_for("a reason", lambda: f"rtsp://127.0.0.1:{port}/no: " in pathlib.Path("told.txt").read_text())
    assert "secret" not in pathlib.Path("told.txt").read_text()


# A frame with regions as the detector leaves them comes by the element that the example calls detector.
GIVEN_REGION = """
import sys
sys.path.insert(0, sys.argv[1])
from codes import reading
from play import Gst, GstVideo, parse
frame = Gst.Buffer.new_wrapped(open("codes.gray", "rb").read())
frame.pts = 2 * Gst.SECOND
region = GstVideo.buffer_add_video_region_of_interest_meta(frame, "qr-code", *map(int, sys.argv[2:]))
region.add_param(Gst.Structure.new_from_string("detection, confidence=(double)0.9"))
pipeline = reading(parse("appsrc name=source format=time caps=video/x-raw,format=GRAY8,width=1280,height=720,"
                         "framerate=1/1 ! identity name=detector ! fakesink sync=false"))
pipeline.set_state(Gst.State.PLAYING)
source = pipeline.get_by_name("source")
source.emit("push-buffer", frame)
source.emit("end-of-stream")
pipeline.get_bus().timed_pop_filtered(60 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
"""


def test_codes(_truth):
    """Of two small codes in a large frame the one is read whose region is given; where none is, nothing is read."""
    need_python(("Gst", "1.0"), ("GstVideo", "1.0"))
    need_modules("numpy")
    need_elements("zbar", "qroverlay")
    import numpy
    codes = " ! ".join(f"qroverlay data={text} pixel-size=2 x={x} y={y}" for text, x, y in
                       (("LEFT", 10, 30), ("RIGHT", 80, 70)))
    frame = frames_of("codes.gray", "videotestsrc num-buffers=1 pattern=solid-color foreground-color=0xff808080 ! "
                      f"video/x-raw,format=I420,width=1280,height=720 ! {codes} ! videoconvert").reshape(720, 1280)
    dark = frame < 60
    for text, left in (("LEFT", 0), ("RIGHT", 640)):
        rows, columns = numpy.nonzero(dark[:, left:left + 640])
        x, y = left + columns.min(), rows.min()
        width, height = int(numpy.ptp(columns)) + 1, int(numpy.ptp(rows)) + 1
        assert 30 < width < 100, width
        told = run(PYTHON, "-c", GIVEN_REGION, EXAMPLES, x, y, width, height)
        assert told == f"2.00 qr-code QR-Code: {text}\n", told
    assert run(PYTHON, "-c", GIVEN_REGION, EXAMPLES, 600, 20, 80, 80) == ""


def test_found_codes(_truth):
    """A code is found by the bundled model, and read."""
    need_elements("zbar", "qroverlay")
    launch("videotestsrc num-buffers=3 pattern=solid-color foreground-color=0xff808080 ! "
           "video/x-raw,format=I420,width=640,height=480,framerate=5/1 ! "
           "qroverlay data=FOUND pixel-size=6 x=30 y=40 ! jpegenc quality=95 ! avimux ! filesink location=code.avi")
    told = example("codes.py", BUNDLED_MODEL, "code.avi")
    assert told.split(" ", 1)[1] == "qr-code QR-Code: FOUND\n", told


def read_part(response):
    """A JPEG of the endless picture."""
    while not response.readline().startswith(b"--"):
        pass
    length = 0
    for line in iter(response.readline, b"\r\n"):
        if line.lower().startswith(b"content-length"):
            length = int(line.split(b":")[1])
    jpeg = response.read(length)
    assert jpeg.startswith(b"\xff\xd8") and jpeg.endswith(b"\xff\xd9")
    return jpeg


def read_event(response):
    for line in response:
        if line.startswith(b"data: "):
            return json.loads(line[6:])
    raise AssertionError("the events ended")


def post(address, values):
    body = json.dumps(values).encode()
    return urllib.request.urlopen(urllib.request.Request(f"{address}/set", body), timeout=PATIENCE).status


def until(response, condition):
    end = time.monotonic() + PATIENCE
    while not condition(read_event(response)):
        assert time.monotonic() < end


def test_web(_truth):
    """The page, a moving picture, events with boxes, a slider that acts while it runs, refusals; a camera that is not
    there is a sentence and the end, and Ctrl+C is the end."""
    need_python(("Soup", "3.0"), ("Gst", "1.0"), ("GstVideo", "1.0"))
    lost = subprocess.run([PYTHON, EXAMPLES / "web.py", MODEL, "v4l2:///dev/no-video", "0"], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert lost.returncode == 1 and "no-video" in lost.stderr and lost.stderr.count("\n") == 1, lost.stderr
    with subprocess.Popen([PYTHON, EXAMPLES / "web.py", MODEL, "clip.avi", "0"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as stopped:
        assert stopped.stdout.readline()
        stopped.send_signal(signal.SIGINT)
        words = stopped.communicate(timeout=PATIENCE)
        assert words == ("", "") and stopped.returncode == -signal.SIGINT, words
    with Running(PYTHON, EXAMPLES / "web.py", MODEL, "clip.avi", 0) as server:
        address = server.line.replace("localhost", "127.0.0.1")
        assert b"EventSource" in urllib.request.urlopen(address, timeout=PATIENCE).read()
        with urllib.request.urlopen(f"{address}/picture", timeout=PATIENCE) as pictures:
            assert len({read_part(pictures) for _ in range(4)}) > 1
        with urllib.request.urlopen(f"{address}/events", timeout=PATIENCE) as events:
            until(events, lambda frame: frame["objects"] and frame["width"] > 0)
            assert post(address, {"score-threshold": 1}) == 204
            until(events, lambda frame: not frame["objects"])
            assert post(address, {"score-threshold": 0.3}) == 204
            until(events, lambda frame: frame["objects"])
        assert json.load(urllib.request.urlopen(f"{address}/values", timeout=PATIENCE))["draw-masks"] is True
        for wrong in ({"model-file": "x"}, {"score-threshold": "much"}, []):
            try:
                post(address, wrong)
            except urllib.error.HTTPError as error:
                assert error.code == 400
            else:
                raise AssertionError(f"{wrong} was taken")


def newer_than(major, minor):
    found = re.search(r"version (\d+)\.(\d+)", run("gst-launch-1.0", "--version"))
    return (int(found[1]), int(found[2])) >= (major, minor)


def test_refusals(_truth):
    """What is wrong is one sentence, with what it is about, and the end."""
    need_python(("Fbnet", "0"), ("Gst", "1.0"), ("GstVideo", "1.0"), ("GstRtspServer", "1.0"), ("Soup", "3.0"))
    need_modules("numpy", "PIL")
    need_elements("compositor", "x264enc", "splitmuxsink", "h264parse")
    pathlib.Path("empty").touch()
    pathlib.Path("words").write_text("neither picture nor film")
    rows = [
        (("rtsp.py", MODEL, "clip.avi", "99999"), "99999"),
        (("rtsp.py", "nope.safetensors", "clip.avi", "0"), "nope.safetensors"),
        (("rtsp.py", "nope.safetensors", "rtsp://127.0.0.1/camera", "0"), "nope.safetensors"),
        (("rtsp.py", MODEL, "nope.avi", "0"), "nope.avi"),
        (("web.py", MODEL, "clip.avi", "65536"), "65536"),
        (("web.py", MODEL, "clip.avi", "many"), "many"),
        (("detect.py", MODEL, "nope.jpg"), "nope.jpg"),
        (("detect.py", MODEL, "empty"), "empty"),
        (("detect.py", MODEL, "words"), "words"),
        (("record.py", MODEL, "clip.avi", "/proc/films"), "/proc/films"),
        (("record.py", MODEL, "clip.avi", "words"), "words"),
        (("record.py", MODEL, "nope.avi", "folder"), "nope.avi"),
        (("count.py", MODEL, "empty"), "empty: "),
        (("cameras.py", MODEL, "fakesink", "clip.avi", "nope.avi"), "nope.avi"),
        (("cameras.py", MODEL, "fakesink", "words", "clip.avi"), "words: "),
        (("watch.py", MODEL, "nope.avi"), "nope.avi"),
        (("watch.py", MODEL, "empty"), "empty: "),
        (("watch.py", "nope.safetensors", "clip.avi"), "nope.safetensors"),
        (("watch", MODEL, "nope.avi"), "nope.avi: "),
        (("watch", MODEL, "empty"), "empty: "),
        (("watch", "nope.safetensors", "clip.avi"), "detector: nope.safetensors"),
    ]
    if not newer_than(1, 26):
        rows.append((("analytics.py", MODEL, "clip.avi"), "1.26"))
    for (program, *arguments), words in rows:
        command = [PYTHON, EXAMPLES / program] if program.endswith(".py") else [BUILT / program]
        told = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=PATIENCE)
        assert told.returncode == 1 and not told.stdout and words in told.stderr and told.stderr.count("\n") == 1, \
            f"{program} {arguments}: {told}"


def test_page(_truth):
    """The same page in a browser: tests/examples/browser.py."""
    need("chromium")
    need_python(("Soup", "3.0"), ("Gst", "1.0"), ("GstVideo", "1.0"))
    with Running(PYTHON, EXAMPLES / "web.py", MODEL, pathlib.Path("clip.avi").absolute().as_uri(), 0) as server:
        run(PYTHON, pathlib.Path(__file__).with_name("browser.py"), server.line.replace("localhost", "127.0.0.1"),
            timeout=3 * PATIENCE)


def test_detect(_truth):
    """Python and C see the same."""
    need_python(("Fbnet", "0"))
    need_modules("numpy", "PIL")
    picture = pathlib.Path("scenes/images/scene-000001.jpg")
    run(PYTHON, "-c", f"from PIL import Image; Image.open('{picture}').convert('RGB').save('scene.ppm')")
    in_python = run(PYTHON, EXAMPLES / "detect.py", MODEL, picture).splitlines()
    in_c = run(BUILT / "detect", MODEL, "scene.ppm").splitlines()
    assert in_c and [line.split()[0] for line in in_python] == [line.split()[0] for line in in_c]
    assert [line.split()[2:6] for line in in_python] == [line.split()[3:7] for line in in_c], in_python + in_c
    assert all("mask" in line for line in in_python)


def main():
    names = sys.argv[1:]
    failed = False
    print(f"1..{len(names)}")
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    try:
        truth = make_clip()
        for number, name in enumerate(names, 1):
            try:
                globals()[f"test_{name}"](truth)
                print(f"ok {number} /examples/{name}", flush=True)
            except Skipped as why:
                print(f"ok {number} /examples/{name} # SKIP {why}", flush=True)
            except Exception as error:  # noqa: BLE001
                failed = True
                print(f"# {type(error).__name__}: {error}\nnot ok {number} /examples/{name}", flush=True)
    finally:
        shutil.rmtree(folder)
    sys.exit(failed)


if __name__ == "__main__":
    main()
