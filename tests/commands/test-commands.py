#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command of the pages runs, or its page says why it does not. Prints TAP; what a machine lacks is skipped by name.

    test-commands.py PAGE                       runs the page's commands, in its order, in one folder
    test-commands.py --check TESTS.json PAGE…   each command is one of these pages', or has a mark that holds

A command is what stands in a fence ```sh; a fence ```python is a program. Above the fence there may be marks, in comments
that nobody sees who reads the page:

    <!-- not run: WHY -->             why: a word of NOT_RUN below
    <!-- run by TEST -->              a test of meson's, or a file of the project
    <!-- not run (WORDS): WHY; … -->  of the fence's commands those with WORDS in them

FBNET_SOURCE_ROOT and FBNET_BUILD_ROOT are set."""
import collections
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["FBNET_SOURCE_ROOT"])
BUILD = pathlib.Path(os.environ["FBNET_BUILD_ROOT"])
PYTHON = "/usr/bin/python3"  # that Debian installs PyGObject for
BUNDLED = SOURCE / "models" / "demo" / "fbnet-demo.safetensors"
PATIENCE = 600  # seconds that a busy machine may take for a command
N_PICTURES = 16

# --- What cannot be run as it stands ----------------------------------------------------------------

# Why; and what is run in its place, if anything is: a film of scenes, a frame in two seconds, is the camera.
NOT_RUN = {
    "a camera": [(r"v4l2src( num-buffers=\d+)?", "filesrc location={film} ! decodebin"),
                 (r"v4l2:///dev/video0|rtsp://\w+/\w+", "file://{film}")],
    "a build": None,          # of everything: the one that is tested was made so
    "a shell": None,          # that somebody types into
    "another machine": None,
    "too long": None,         # minutes, or hours
    "placeholders": None,     # of what the reader has
    "root": None,
    "the network": None,
    "these tests": None,      # or all tests: they would run themselves
}

# In every command: what shows nothing is the screen, what learns does so for two steps of two pictures.
STAND_INS = [
    (r"\bautovideosink\b", "fakesink"),
    (r'"person;dog"', '"qr-code;barcode"'),
    (r"(fbnet-train\b.*) --iterations \d+", r"\1"),
    (r"(fbnet-train\b.*) --batch \d+", r"\1"),
    (r"\bfbnet-train\b", "fbnet-train --iterations 2 --batch 2"),
    (r"(bench-image) \d+", r"\1 3"),
]

# --- What readers have ------------------------------------------------------------------------------


class Lacking(Exception):
    pass


def quietly(*command):
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 0, f"{command[0]}: {done.returncode}: {done.stderr}"


class Reader:
    """Makes the files that a page takes for granted. `root` is the folder around the clone that commands run in."""

    def __init__(self, root):
        self.root, self.scenes = root, root / "scenes"
        need("element", "multifilesrc avimux")
        quietly("fbnet-scenes", "--objects", "codes", "--size", "384x288", "--count", N_PICTURES, "--seed", 2,
                "-o", self.scenes)
        self.pictures = sorted((self.scenes / "images").iterdir())
        self.film_of(root / "film", "1/2")

    def film_of(self, path, rate="5/1"):
        quietly("gst-launch-1.0", "-q", *f"multifilesrc location={self.scenes}/images/scene-%06d.jpg "
                f"caps=image/jpeg,framerate={rate} ! avimux ! filesink location={path}".split())

    film = film_of

    def long_film(self, path):
        """With as many frames as those have that tests/data/video-*.json are of."""
        need("element", "x264enc mp4mux avdec_h264")
        quietly("gst-launch-1.0", "-q", *"videotestsrc num-buffers=1400 pattern=black ! video/x-raw,width=768,height=432 "
                f"! x264enc speed-preset=ultrafast ! mp4mux ! filesink location={path}".split())

    def model(self, path):
        shutil.copy(BUNDLED, path)

    def photograph(self, path):
        shutil.copy(self.pictures[0], path)

    def frames(self, path):
        shutil.copytree(self.scenes / "images", path)

    def annotations(self, path):
        shutil.copy(self.scenes / "annotations.json", path)

    def halves(self, path):
        """Left and right halves of all things: two classes that each picture has, so that those kept apart have no others."""
        truth = json.loads((self.scenes / "annotations.json").read_text())
        truth["categories"] = [{"id": 1, "name": "left"}, {"id": 2, "name": "right"}]
        things, truth["annotations"] = truth["annotations"], []
        for thing in things:
            x, y, width, height = thing["bbox"]
            for side in (0, 1):
                truth["annotations"].append({"id": 2 * thing["id"] + side, "image_id": thing["image_id"], "category_id": 1 + side,
                                             "bbox": [x + side * width / 2, y, width / 2, height], "iscrowd": 0,
                                             "area": width * height / 2})
        full = {thing["image_id"] for thing in things}
        truth["images"] = [image for image in truth["images"] if image["id"] in full]
        path.write_text(json.dumps(truth))

    def numbered(self, path):
        """Annotations of the frames that a camera gave, in the order of their numbers."""
        truth = json.loads((self.scenes / "annotations.json").read_text())
        for number, image in enumerate(sorted(truth["images"], key=lambda image: image["file_name"])):
            image["file_name"] = f"{number:04}.jpg"
        path.write_text(json.dumps(truth))

    def classes(self, path):
        for number, picture in enumerate(self.pictures):
            folder = path / ("box", "letter")[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, folder)

    def trunk_description(self, path):
        shutil.copy(SOURCE / "models" / "demo" / "trunk.json", path)

    def detector_description(self, path):
        shutil.copy(SOURCE / "models" / "demo" / "demo.json", path)

    def names(self, path):
        path.write_text("".join(f"thing {i}\n" for i in range(1000)))

    def detections(self, path):
        """Of something that walks to the right, in every sixth frame."""
        path.write_text("".join(f"{i},-1,{100 + 2 * i},50,30,60,0.9,1\n" for i in range(1, 61, 6)))

    def tracks(self, path):
        path.write_text("".join(f"{i},1,{100 + 2 * i},50,30,60,1,1\n" for i in range(1, 61)))

    def made_up(self, name):
        program = BUILD / "tests" / "commands" / "made-up"
        if not (self.root / name).exists():
            quietly(program, self.root)
        return self.root / name

    def checkpoint(self, path):
        shutil.copy(self.made_up("detector.pth"), path)

    def config(self, path):
        shutil.copy(self.made_up("detector.yaml"), path)

    def export(self, path):
        shutil.copy(self.made_up("detector.pt"), path)

    def classifier_checkpoint(self, path):
        shutil.copy(self.made_up("classifier.pth"), path)

    def classifier(self, path):
        quietly("fbnet-import", self.made_up("classifier.pth"), "--config", "dmasking_l3", "-o", path)


HAS = {
    "README.md": {
        "cars.mp4": Reader.film, "coco.safetensors": Reader.model, "model_final.pth": Reader.checkpoint,
        "config.yaml": Reader.config, "d2go.pt": Reader.export, "dmasking_l3.pth": Reader.classifier_checkpoint,
        "street.jpg": Reader.photograph, "dog.jpg": Reader.photograph, "frames": Reader.frames,
    },
    "docs/classification.md": {
        "model.pth": Reader.classifier_checkpoint, "imagenet.txt": Reader.names, "dog.jpg": Reader.photograph,
    },
    "docs/element.md": {
        "cars.mp4": Reader.film, "model.safetensors": Reader.model, "dog.mp4": Reader.film,
        "dmasking_l3.safetensors": Reader.classifier, "imagenet.txt": Reader.names,
    },
    "docs/eval.md": {
        "model.safetensors": Reader.model, "instances_val2017.json": Reader.annotations, "val2017": Reader.frames,
    },
    "docs/examples.md": {
        "cars.mp4": Reader.film, "coco.safetensors": Reader.model, "codes.safetensors": Reader.model,
    },
    "docs/faq.md": {"cars.mp4": Reader.film},
    "docs/finetuning.md": {
        "d2go.pt": Reader.export, "labels": Reader.annotations, "pictures": Reader.frames,
        "car-detection.mp4": Reader.long_film, "one-by-one-person-detection.mp4": Reader.long_film,
    },
    "docs/import.md": {"model_final.pth": Reader.checkpoint, "config.yaml": Reader.config, "d2go.pt": Reader.export},
    "docs/int8.md": {"d2go.pt": Reader.export, "float.safetensors": Reader.model, "frames": Reader.frames},
    "docs/performance.md": {"MODEL": Reader.model},
    "docs/python.md": {"model.safetensors": Reader.model, "street.jpg": Reader.photograph},
    "docs/seeing.md": {
        "det.txt": Reader.detections, "gt.txt": Reader.tracks, "model.safetensors": Reader.model, "frames": Reader.frames,
        "cars.mp4": Reader.film, "FILM": Reader.film, "MODEL": Reader.model,
    },
    "docs/tools.md": {"model.safetensors": Reader.model, "street.jpg": Reader.photograph},
    "docs/training.md": {
        "labels": Reader.annotations, "pictures": Reader.frames, "coco.safetensors": Reader.model,
        "train.json": Reader.halves, "train": Reader.frames, "classes": Reader.classes,
        "picture.jpg": Reader.photograph, "trunk.json": Reader.trunk_description,
        "detector.json": Reader.detector_description,
    },
    "docs/tutorial.md": {
        "cars.mp4": Reader.film, "coco.safetensors": Reader.model, "coco-masks.safetensors": Reader.model,
        "coco-floats.safetensors": Reader.model, "street.jpg": Reader.photograph, "crates.json": Reader.numbered,
        "later.json": Reader.annotations, "later-frames": Reader.frames,
    },
}

# --- What machines lack -----------------------------------------------------------------------------

# Which commands need what, beyond the elements and programs that every machine has that runs the element's tests.
NEEDS = [
    (r"\.py\b|^import ", "module", "gi.repository.Gst"),
    (r"Fbnet", "module", "gi.repository.Fbnet numpy PIL.Image"),
    (r"/seeing-", "module", "numpy PIL.Image"),
    (r"x264enc", "element", "x264enc mp4mux"),
    (r"record\.py", "element", "x264enc splitmuxsink mp4mux h264parse"),
    (r"codes\.py", "element", "zbar"),
    (r"decodebin|\.mp4|FILM", "element", "decodebin avidemux jpegdec"),
    (r"jpegenc", "element", "jpegenc videorate"),
    (r"extract-frames|/video-", "element", "x264enc mp4mux avdec_h264"),
    (r"gamma", "element", "gamma"),
    (r"pngdec", "element", "pngdec imagefreeze"),
    (r"\bjq\b", "program", "jq"),
    (r"\bvalgrind\b", "program", "valgrind"),
    (r"avx2", "processor", "avx2"),
    (r"sse41", "processor", "sse4_1"),
]


def is_there(kind, name):
    if kind == "program":
        return shutil.which(name) is not None
    if kind == "processor":
        return name in pathlib.Path("/proc/cpuinfo").read_text().split()
    command = ["gst-inspect-1.0", name] if kind == "element" else [PYTHON, "-c", f"import gi; import {name}"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def need(kind, names):
    for name in names.split():
        if not is_there(kind, name):
            raise Lacking(f"no {name}")


def need_for(text):
    for pattern, kind, names in NEEDS:
        if re.search(pattern, text):
            need(kind, names)


# --- Pages ------------------------------------------------------------------------------------------

Mark = collections.namedtuple("Mark", "place words test why")
Command = collections.namedtuple("Command", "page line language text mark")


def marks_of(place, comment):
    if not (body := re.fullmatch(r"<!-- ((?:not run|run by)\b.*) -->", comment)):
        return []
    marks = []
    for item in body.group(1).split("; "):
        found = re.fullmatch(r"(?:not run|run by (?P<test>[^ :(]+))(?: \((?P<words>[^)]+)\))?(?:: (?P<why>.+))?", item)
        assert found and bool(found["test"]) != bool(found["why"]), f"{place}: no mark: {item}"
        assert found["test"] or found["why"] in NOT_RUN, f"{place}: no reason: {found['why']}"
        marks.append(Mark(place, found["words"] or "", found["test"], found["why"]))
    return marks


def is_whole(text):
    return not text.endswith("\\") and subprocess.run(["sh", "-n", "-c", text], stderr=subprocess.DEVNULL).returncode == 0


def commands_of_fence(lines, first, language):
    """(number of the first line, text) of each."""
    if language == "python":
        return [(first, "\n".join(lines))]
    commands, begun = [], []
    for number, line in enumerate(lines, first):
        if not begun and not line.strip():
            continue
        begun.append(line)
        if is_whole("\n".join(begun)):
            commands.append((number + 1 - len(begun), "\n".join(begun)))
            begun = []
    assert not begun, f"line {first}: no end of {begun[0]}"
    return commands


def mark_of(text, marks):
    found = [mark for mark in marks if mark.words in text]
    assert len(found) < 2, f"{found[0].place}: two marks for {text}"
    return found[0] if found else None


def commands_of(page):
    lines = (SOURCE / page).read_text().split("\n")
    commands, marks, number = [], [], 0
    while number < len(lines):
        line = lines[number]
        if fence := re.match(r"```(\w*)$", line):
            end = lines.index("```", number + 1)
            if fence.group(1) in ("sh", "python"):
                of_fence = commands_of_fence(lines[number + 1:end], number + 2, fence.group(1))
                for mark in marks:
                    assert any(mark.words in text for _, text in of_fence), f"{mark.place}: no command with {mark.words}"
                commands += [Command(page, first, fence.group(1), text, mark_of(text, marks)) for first, text in of_fence]
            number, marks = end, []
        else:
            marks = marks + marks_of(f"{page}:{number + 1}", line) if line.startswith("<!--") else []
        number += 1
    return commands


def mentions(name):
    return rf"(?<![\w./-]){re.escape(name)}(?![\w.-])"


def is_run(command):
    return command.mark is None or command.mark.why is not None and NOT_RUN[command.mark.why] is not None


# --- Running them -----------------------------------------------------------------------------------

def replace(rows, text, film):
    for pattern, replacement in rows:
        text = re.sub(pattern, replacement.format(film=film), text, flags=re.DOTALL)
    return text


def in_place_of(command, film):
    """The text with what stands in."""
    if command.language == "python":
        return f"python3 - <<'END OF PROGRAM'\n{command.text}\nEND OF PROGRAM"
    return replace(STAND_INS + (NOT_RUN[command.mark.why] if command.mark else []), command.text, film)


def make_clone(root):
    """What a clone has, to be written into; the build folder is the one that is tested."""
    clone = root / "fbnet"
    for name in ("docs", "examples", "gst", "models", "tests"):
        shutil.copytree(SOURCE / name, clone / name, ignore=shutil.ignore_patterns("__pycache__", "fuzz"))
    os.symlink(BUILD, clone / "build")
    return clone


def environment(root):
    """A reader's, in a shell of `meson devenv`."""
    (root / "bin").mkdir()
    os.symlink(PYTHON, root / "bin" / "python3")
    programs = [str(folder) for folder in sorted((BUILD / "models").iterdir()) if folder.is_dir()]
    values = {name: value for name, value in os.environ.items() if not name.startswith("FBNET_")}
    return values | {"PATH": ":".join([str(root / "bin"), *programs, os.environ["PATH"]])}


class Shell:
    """Commands one after the other, each with the folder and the variables that the one before left."""

    def __init__(self, root, folder, values):
        self.values, self.state = values, root / "state"
        self.state.write_text(f"cd {shlex.quote(str(folder))}\n")

    def run(self, text):
        state = shlex.quote(str(self.state))
        script = f". {state}\ntrap '{{ echo cd \"'\"$PWD\"'\"; export -p; }} >{state}' EXIT\nset -e\n{text}\n"
        with subprocess.Popen(["sh", "-c", script], env=self.values, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True) as process:
            try:
                out, errors = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                out, errors = process.communicate()
                return -1, out, f"{errors}\nnot done after {PATIENCE} seconds"
            return process.returncode, out, errors


def run_command(command, reader, shell, not_made):
    for name, why in not_made.items():
        if re.search(mentions(name), command.text):
            raise Lacking(why)
    need_for(command.text)
    text = in_place_of(command, reader.root / "film")
    status, out, errors = shell.run(text)
    assert status == 0, f"{text}\nstatus {status}\n{out[-2000:]}\n{errors[-4000:]}"


def run_page(page, root):
    commands = [command for command in commands_of(page) if is_run(command)]
    clone = make_clone(root)
    values = environment(root)
    os.environ["PATH"] = values["PATH"]
    reader, not_made, failed = Reader(root), {}, False
    for name, make in HAS.get(page, {}).items():
        try:
            make(reader, clone / name)
        except Lacking as lacking:
            not_made[name] = lacking
    shell = Shell(root, clone, values)
    print(f"1..{len(commands)}")
    for number, command in enumerate(commands, 1):
        name = f"{number} {page}:{command.line} {' '.join(command.text.split())[:60]}".replace("#", "")
        try:
            run_command(command, reader, shell, not_made)
            print(f"ok {name}", flush=True)
        except Lacking as lacking:
            print(f"ok {name} # SKIP {lacking}", flush=True)
        except AssertionError as error:
            failed = True
            print("\n".join(f"# {line}" for line in f"{page}:{command.line}: {error}".splitlines()))
            print(f"not ok {name}", flush=True)
    return failed


# --- Checking the marks -----------------------------------------------------------------------------

PROGRAM = r"(\$ )?(\w+=\S+ )*(sudo )?(fbnet-|gst-\w+-1\.0 |examples/|tests/|build/|meson |ninja )"
SYNOPSIS = r"[\[|…]"  # in a line that says what there is to say, and is no command


def check_unfenced(page):
    """A command that is indented, or in a fence of another language, would not be seen by this test."""
    language = None
    for number, line in enumerate((SOURCE / page).read_text().split("\n"), 1):
        if line.startswith("```"):
            language = line[3:] or "none" if language is None else None
        elif language != "sh" and (language or line.startswith("    ")) and re.match(PROGRAM, line.strip()):
            assert re.search(SYNOPSIS, line), f"{page}:{number}: a command outside of a fence ```sh: {line.strip()}"


def check_mark(command, tests):
    mark = command.mark
    if mark.test:
        is_file = "/" in mark.test and (SOURCE / mark.test).exists()
        assert mark.test in tests or is_file, f"{mark.place}: no test {mark.test}"
    elif NOT_RUN[mark.why]:
        assert replace(NOT_RUN[mark.why], command.text, "") != command.text, f"{mark.place}: not {mark.why}: {command.text}"


def check_page(page, commands, tests, pages):
    check_unfenced(page)
    assert any(map(is_run, commands)) == (page in pages), f"{page}: meson.build names it, or it has commands to run, not both"
    for name in HAS.get(page, {}):
        assert any(name.split(".")[0] in command.text for command in commands), f"{page} does not mention {name}"
    for command in filter(lambda command: command.mark, commands):
        check_mark(command, tests)


def fate(mark):
    if mark is None:
        return "run"
    if mark.test:
        return "run by another test"
    return f"not run: {mark.why}" + ("; run with what stands in for it" if NOT_RUN[mark.why] else "")


def check(tests, pages):
    tests = {test["name"] for test in json.loads(pathlib.Path(tests).read_text())}
    fates = collections.Counter()
    for path in [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md")), SOURCE / "models" / "FORMAT.md"]:
        page = str(path.relative_to(SOURCE))
        commands = commands_of(page)
        check_page(page, commands, tests, pages)
        fates.update(fate(command.mark) for command in commands)
    print(f"{sum(fates.values())} commands:")
    print("\n".join(f"  {n:3} {what}" for what, n in sorted(fates.items())))


def main():
    if sys.argv[1] == "--check":
        try:
            return check(sys.argv[2], sys.argv[3:])
        except AssertionError as error:
            sys.exit(str(error))
    with tempfile.TemporaryDirectory() as root:
        try:
            sys.exit(run_page(sys.argv[1], pathlib.Path(root)))
        except Lacking as lacking:
            print(f"1..0 # SKIP {lacking}")
            sys.exit(77)


if __name__ == "__main__":
    main()
