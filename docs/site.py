#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages of this project as a site: README.md, docs/*.md and whatever they link to, with the reference of the C
interface that gi-docgen makes of the introspection data. A link that leads nowhere is an error.

    site.py SOURCE OUTPUT [GIR]     without GIR, no reference

Needs python3-markdown, for the reference gi-docgen (Debian)."""
import html.parser
import pathlib
import posixpath
import re
import shutil
import subprocess
import sys
import urllib.parse

import markdown

FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><link rel="stylesheet" href="{root}docs/site.css"></head>
<body><nav>{pages}</nav>
<main>{body}</main></body></html>
"""


def slug(text, _separator):
    """The anchor of a heading, as those who host Markdown make it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def page_of(path):
    """Where the page of a Markdown file is, in the same tree."""
    return "index.html" if path == "README.md" else re.sub(r"\.md$", ".html", path)


def from_page(page, path):
    return posixpath.relpath(path, posixpath.dirname(page) or ".")


def resolve(page, link):
    """The path in the tree that a page's link leads to, and the anchor there."""
    path, _, anchor = link.partition("#")
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page, anchor


def is_elsewhere(link):
    return bool(urllib.parse.urlparse(link).scheme)


class Links(html.parser.HTMLParser):
    """Where a page leads, and the anchors that it has."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], {""}
        self.feed(text)

    def handle_starttag(self, _tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.anchors.add(value)
            elif name in ("href", "src") and not is_elsewhere(value):
                self.links.append(urllib.parse.unquote(value))


def read_pages(source):
    """Path to HTML and title, of every page that is linked from another, the README first."""
    pages, waiting = {}, ["README.md", *sorted(f"docs/{path.name}" for path in (source / "docs").glob("*.md"))]
    for path in waiting:
        text = (source / path).read_text()
        body = markdown.markdown(text, extensions=["tables", "fenced_code", "toc", "sane_lists"],
                                 extension_configs={"toc": {"slugify": slug}})
        pages[path] = re.search(r"^# (.+)$", text, re.MULTILINE).group(1).replace("`", ""), body
        waiting += {target for link in Links(body).links for target, _ in [resolve(path, link)]
                    if target.endswith(".md") and target not in waiting and (source / target).exists()}
    return pages


def list_folder(source, path):
    files = sorted(entry for entry in (source / path).rglob("*") if entry.is_file())
    names = [entry.relative_to(source / path).as_posix() for entry in files]
    return path, "<ul>" + "".join(f'<li><a href="{name}">{name}</a></li>' for name in names) + "</ul>"


def copy(source, output, path):
    """What a page links to that is none; a folder gets a list of its files. False: there is no such thing."""
    if (source / path).is_dir():
        shutil.copytree(source / path, output / path, dirs_exist_ok=True)
        title, body = list_folder(source, path)
        (output / path / "index.html").write_text(FRAME.format(title=title, root="", pages="", body=body))
    elif (source / path).exists():
        (output / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, output / path)
    return (source / path).exists()


def write_page(source, output, pages, path, extra):
    """Returns what is wrong with the links."""
    page, (title, body) = page_of(path), pages[path]
    wrong = []
    for link in dict.fromkeys(Links(body).links):
        target, anchor = resolve(path, link)
        if target in pages:
            if anchor not in Links(pages[target][1]).anchors:
                wrong.append(f"{path}: {link}: no such heading")
            there = from_page(page, page_of(target)) + ("#" + anchor if anchor else "")
            body = body.replace(f'href="{link}"', f'href="{there}"')
        elif not copy(source, output, target):
            wrong.append(f"{path}: {link}: no such file")
    entries = [(page_of(other), pages[other][0]) for other in pages] + extra
    names = "".join(f'<a href="{from_page(page, to)}">{name}</a>' for to, name in entries)
    root = "../" * page.count("/")
    (output / page).parent.mkdir(parents=True, exist_ok=True)
    (output / page).write_text(FRAME.format(title=title, root=root, pages=names, body=body))
    return wrong


def write_reference(source, output, gir):
    subprocess.run(["gi-docgen", "generate", "--quiet", "--config", source / "docs" / "reference.toml",
                    "--no-namespace-dir", "--output-dir", output / "reference", gir], check=True)
    return [("reference/index.html", "C interface")]


def main():
    source, output = (pathlib.Path(argument) for argument in sys.argv[1:3])
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    extra = write_reference(source, output, sys.argv[3]) if len(sys.argv) > 3 else []
    pages = read_pages(source)
    wrong = [line for path in pages for line in write_page(source, output, pages, path, extra)]
    copy(source, output, "docs/site.css")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(pages)} pages in {output}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main()
