import assert from "node:assert/strict";
import { test } from "node:test";
import { elementsOf, readXml, textOf, walkXml, XmlFault } from "../../src/lib/xml.ts";

const limits = { characters: 300, depth: 4, elements: 6 };

test("elements by namespace, attributes without prefix, and text in its order", () => {
  const root = readXml(
    '\uFEFF<?xml version="1.0" encoding="UTF-8"?><!-- c --><a:r xmlns:a="urn:a" one=" 1 " a:two="2">x<b xmlns="urn:b">&lt;y<!-- c -->z</b><![CDATA[<c>]]>\r\n&#65;</a:r> ',
    limits,
  );
  assert.deepEqual([root.name, root.namespace, [...root.attributes]], ["r", "urn:a", [["one", " 1 "]]]);
  assert.equal(textOf(root), "x<yz<c>\nA");
  const [inner, ...more] = elementsOf(root);
  assert.deepEqual(
    [inner?.name, inner?.namespace, inner?.content.join("|"), more],
    ["b", "urn:b", "<y|z", []],
  );
  assert.deepEqual(
    [...walkXml(root)].map(({ element, parent }) => [element.name, parent?.name]),
    [
      ["r", undefined],
      ["b", "r"],
    ],
  );
});

test("what is refused, and where", () => {
  for (const [text, message] of [
    ["", "document must contain a root element."],
    ["text", "text data outside of root node."],
    ["<a>", "unclosed tag: a"],
    ["<a/><b/>", "documents may contain only one root."],
    ["<a>\n<b></a>", "line 2, column 7: unexpected close tag."],
    ['<a b="1" b="2"/>', "duplicate attribute: b."],
    ["<a:b/>", 'unbound namespace prefix: "a".'],
    ["<a>&b;</a>", "undefined entity."],
    ["<a>\u0001</a>", "disallowed character."],
    ["<!DOCTYPE a><a/>", "line 1, column 12: it has a document type (DTD), which is not allowed."],
    ["<?php 1?><a/>", "it has a processing instruction, which is not allowed."],
    ['<?xml version="1.0" encoding="UTF-16"?><a/>', "it is in UTF-16, not in UTF-8."],
    ['<a ID="1"><b xmlns:x="urn:x" x:id="1"/></a>', "two elements have the id 1."],
    ["<a><a><a><a><a/></a></a></a></a>", "it is nested more than 4 deep."],
    ["<a><b/><b/><b/><b/><b/><b/></a>", "it has more than 6 elements and comments."],
    ["<a><!----><!----><!----><!----><!----><!----></a>", "it has more than 6 elements and comments."],
    [`<a>${"x".repeat(300)}</a>`, "it has more than 300 characters."],
  ] as const)
    assert.throws(
      () => readXml(text, limits),
      (error: unknown) => error instanceof XmlFault && error.message.includes(message),
      `${text}: ${message}`,
    );
});
