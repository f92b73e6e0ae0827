"""Requests as the objects of Insomnia and OpenCollection have them: lists of named values, forms. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .foreign_json import JsonNode
from .request_draft import DraftPart

Pair = tuple[str, str]


def text_of_node(node: JsonNode) -> str:
    """Text, numbers and truth values as JSON writes them; "" for what is not there."""
    value = node.value
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return node.text() if isinstance(value, str) else str(value)


def is_on(node: JsonNode) -> bool:
    """Whether an item counts: `disabled: true` and `enabled: false` switch it off."""
    return text_of_node(node.at("disabled")) != "true" and text_of_node(node.at("enabled")) != "false"


def pairs(node: JsonNode) -> Iterator[Pair]:
    """The items of a list of {name, value} that count and have a name."""
    for item in objects(node):
        name = text_of_node(item.at("name")) or text_of_node(item.at("key"))
        if name and is_on(item):
            yield name, text_of_node(item.at("value"))


def parts(node: JsonNode) -> Iterator[DraftPart]:
    """The fields of a form that count; a file is named by `fileName`, or by the value of a part of type "file"."""
    for item in objects(node):
        name, kind = text_of_node(item.at("name")), text_of_node(item.at("type"))
        if not is_on(item):
            continue
        media = text_of_node(item.at("contentType"))
        if kind != "file":
            yield DraftPart(name, text_of_node(item.at("value")), media=media)
            continue
        named = item.at("fileName") if item.has("fileName") else item.at("value")
        files = [text_of_node(one) for one in named.items()] if isinstance(named.value, list) else [text_of_node(named)]
        for file in files:
            yield DraftPart(name, file=file or "without a name", media=media)


def objects(node: JsonNode) -> Iterator[JsonNode]:
    """The items of a list that are objects; none of what is no list."""
    if isinstance(node.value, list):
        yield from (item for item in node.items() if isinstance(item.value, dict))


def values_of(node: JsonNode, prefix: str = "") -> dict[str, str]:
    """The members of nested objects by their dotted names: {"api": {"host": "a"}} gives "api.host"."""
    found: dict[str, str] = {}
    if not isinstance(node.value, dict) or prefix.count(".") > 20:
        return found
    for name, member in node.members():
        if isinstance(member.value, dict):
            found |= values_of(member, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = text_of_node(member)
    return found


def member_texts(node: JsonNode) -> Mapping[str, str]:
    """The members of an object that are no objects themselves, as texts."""
    if not isinstance(node.value, dict):
        return {}
    return {name: text_of_node(member) for name, member in node.members()}


def root_of(value: Any) -> JsonNode:
    return JsonNode(value, "")
