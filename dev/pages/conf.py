# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
"""Settings of Sphinx for `make docs`."""

from __future__ import annotations

import re
import typing as t

from docutils import nodes

project = "relaunch.controller"
copyright = "2026, relaunch.controller contributors"
title = html_title = html_short_title = "relaunch.controller"

extensions = ["sphinx_antsibull_ext"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"

html_theme = "sphinx_ansible_theme"
html_theme_options = {"documentation_home_url": "index.html", "topbar_links": {}}
html_show_sphinx = False
html_use_smartypants = False
html_use_modindex = False
html_use_index = False
html_copy_source = False
html_show_sourcelink = False

default_role = "any"
nitpicky = True

# Pages elsewhere, linked by their names: there is no network for an inventory to come over.
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
FOREIGN = re.compile(r"ansible_collections\.(?P<namespace>\w+)\.(?P<name>\w+)\.(?P<plugin>\w+_(module|role|lookup))$")
LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def link_foreign(_app: t.Any, _env: t.Any, node: t.Any, content: t.Any) -> nodes.reference | None:
    """A link to what is documented neither here nor anywhere that Sphinx knows of."""
    target = str(node.get("reftarget"))
    page = LABELS.get(target)
    if found := FOREIGN.match(target):
        page = "collections/{namespace}/{name}/{plugin}.html".format(**found.groupdict())
    return nodes.reference("", "", content, refuri=f"{ANSIBLE}/{page}") if page else None


def setup(app: t.Any) -> dict[str, bool]:
    app.connect("missing-reference", link_foreign)
    return {"parallel_read_safe": True}
