#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libfbnet as other languages see it: handles, errors, arrays, copies. Prints TAP.

    introspection.py BUNDLED-MODEL"""
import sys

try:
    import gi
    gi.require_version("Fbnet", "0")
    import numpy
    from gi.repository import Fbnet, GLib
except (ImportError, ValueError) as why:
    print(f"1..1\nok 1 /introspection # SKIP {why}")
    sys.exit(77)


def noise(height, width, channels=3):
    return numpy.random.default_rng(7).integers(0, 256, (height, width, channels), numpy.uint8)


def run(detector, picture, found):
    height, width, _ = picture.shape
    detector.run_pixels(Fbnet.PixelFormat.RGB, width, height, picture.tobytes(), found)
    return found


def loose_detector(model):
    """One that sees something in noise."""
    detector = Fbnet.Detector.new(model, None)
    params = model.get_params()
    params.score_threshold = 0
    params.max_detections = 20
    detector.set_params(params)
    assert detector.get_params().max_detections == 20
    return detector


def values(thing):
    return (thing.class_id, thing.score, thing.x0, thing.y0, thing.x1, thing.y1, thing.mask.x, thing.mask.y,
            thing.mask.width, thing.mask.height, thing.mask.get_bytes().get_data())


def expect_error(code, words, call, *arguments):
    try:
        call(*arguments)
    except GLib.Error as error:
        assert error.matches(Fbnet.error_quark(), code), error
        assert words in error.message, error.message
    else:
        raise AssertionError(f"expected an error with '{words}'")


def test_errors():
    """What is wrong outside comes as GLib.Error with domain, code and sentence."""
    expect_error(Fbnet.Error.NOT_FOUND, "/no/such/file", Fbnet.Model.load, "/no/such/file")
    detector, found = loose_detector(bundled), Fbnet.Detections.new()
    expect_error(Fbnet.Error.ARGUMENT, "expected 4 rows of 12 bytes, found 47 bytes",
                 detector.run_pixels, Fbnet.PixelFormat.RGB, 4, 4, bytes(47), found)
    expect_error(Fbnet.Error.ARGUMENT, "one plane", detector.run_pixels, Fbnet.PixelFormat.NV12, 4, 4, bytes(24), found)
    params = bundled.get_params()
    params.score_threshold = 2
    expect_error(Fbnet.Error.ARGUMENT, "score-threshold", detector.set_params, params)


def test_results():
    """Detections come as a list with numbers and masks in range, best first."""
    found = run(loose_detector(bundled), noise(90, 120), Fbnet.Detections.new())
    assert 0 < found.n == len(found.list()) <= 20
    scores = [thing.score for thing in found.list()]
    assert scores == sorted(scores, reverse=True) and 0 <= scores[-1] <= scores[0] <= 1
    for thing in found.list():
        assert 0 <= thing.x0 < thing.x1 <= 120 and 0 <= thing.y0 < thing.y1 <= 90
        assert bundled.get_label(thing.class_id)
        assert len(thing.mask.get_bytes().get_data()) == thing.mask.width * thing.mask.height


def test_copies():
    """A copy of a detection, and one of all, stay what they are when the detections are filled again and freed."""
    detector, found = loose_detector(bundled), Fbnet.Detections.new()
    run(detector, noise(90, 120), found)
    before = [values(thing) for thing in found.list()]
    kept, all_kept = [thing.copy() for thing in found.list()], found.copy()
    run(detector, 255 - noise(60, 200), found)
    assert [values(thing) for thing in found.list()] != before
    del found
    assert [values(thing) for thing in kept] == before
    assert [values(thing) for thing in all_kept.list()] == before


def test_life():
    """What a detector needs lives as long as it does; other languages' copies of it are the same detector."""
    detector = Fbnet.Detector.new(Fbnet.Model.load(sys.argv[1]), None)
    run(detector, noise(30, 40), Fbnet.Detections.new())
    again = detector.copy() if hasattr(detector, "copy") else detector
    del detector
    run(again, noise(30, 40), Fbnet.Detections.new())
    assert again.get_timings().total > 0


def test_tracker():
    """A thing that moves by a pixel a look is one track."""
    tracker = Fbnet.Tracker.new(None)
    thing = Fbnet.Detection()
    ids = set()
    for look in range(5):
        thing.x0, thing.y0, thing.x1, thing.y1 = 10 + look, 10, 50 + look, 60
        thing.score = 0.9
        tracks = tracker.update([thing], look / 10)
        assert tracks.n == 1
        ids.add(tracks.list()[0].id)
    assert len(ids) == 1, ids


def test_tables():
    """Parameters are told with names and ranges."""
    rows = {row.name: row for row in Fbnet.params_table()}
    assert rows["score-threshold"].max == 1
    assert Fbnet.version().count(".") == 2


bundled = Fbnet.Model.load(sys.argv[1])
tests = [test_errors, test_results, test_copies, test_life, test_tracker, test_tables]
print(f"1..{len(tests)}")
failed = False
for number, test in enumerate(tests, 1):
    try:
        test()
        print(f"ok {number} /introspection/{test.__name__}")
    except Exception as error:  # noqa: BLE001
        failed = True
        print(f"# {type(error).__name__}: {error}\nnot ok {number} /introspection/{test.__name__}")
sys.exit(failed)
