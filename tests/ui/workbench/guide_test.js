// The guide's Markdown: what is known, and that nothing else is more than text.

import assert from "node:assert/strict";
import { blocks, inlines, pictureName } from "../../../labeler/ui/workbench/guide_markdown.js";

/** @param {string} text */
const plain = (text) => [{ type: "text", text }];

Deno.test("blocks of a guide", () => {
  const text = "# Cars #\r\n\r\nDraw all\nof it.\n- one\n- two\n  more\n\n3. a\n4) b\n\n" +
    "> so\n> it is\n\n---\n```\n# no heading\n```\n##### no heading either";
  assert.deepEqual(blocks(text), [
    { type: "heading", level: 1, content: plain("Cars") },
    { type: "paragraph", content: plain("Draw all of it.") },
    { type: "list", isOrdered: false, items: [plain("one"), plain("two more")] },
    { type: "list", isOrdered: true, items: [plain("a"), plain("b")] },
    { type: "quote", content: plain("so it is") },
    { type: "rule" },
    { type: "code", text: "# no heading" },
    { type: "paragraph", content: plain("##### no heading either") },
  ]);
  assert.deepEqual(blocks(""), []);
  assert.deepEqual(blocks("```\nnever ends"), [{ type: "code", text: "never ends" }]);
});

Deno.test("words that stand out, and pictures of the guide", () => {
  assert.deepEqual(inlines("a **b** *c* _d_ `e*f*` snake_case_name 2*3"), [
    { type: "text", text: "a " },
    { type: "strong", text: "b" },
    { type: "text", text: " " },
    { type: "emphasis", text: "c" },
    { type: "text", text: " " },
    { type: "emphasis", text: "d" },
    { type: "text", text: " " },
    { type: "code", text: "e*f*" },
    { type: "text", text: " snake_case_name 2*3" },
  ]);
  for (const address of ["car.png", "guide/car.png", "./guide/car.png"]) {
    assert.deepEqual(inlines(`![A car](${address})`), [
      { type: "picture", name: "car.png", text: "A car" },
    ]);
  }
  assert.deepEqual(inlines("![](a%20b.png)"), [{ type: "picture", name: "a b.png", text: "" }]);
  assert.deepEqual(inlines("![](a%.png)"), [{ type: "picture", name: "a%.png", text: "" }]);
});

Deno.test("addresses elsewhere, links and HTML stay text", () => {
  for (
    const text of [
      "![](https://evil.example/a.png)",
      "![](//evil.example/a.png)",
      "![](../labels.json)",
      "![](data:image/svg+xml,x)",
      "[here](javascript:alert)",
      "<script>alert(1)</script>",
      "<img src=x onerror=alert>",
      "https://evil.example",
    ]
  ) assert.deepEqual(inlines(text), plain(text));
});

Deno.test("a long hostile guide is read whole", () => {
  for (const piece of ["*", "_a", "`", "![", "![](", "> ", "# ", "- ", "**a*", "![a](b"]) {
    const one = piece.repeat(20_000);
    const [block] = blocks(`x${one}`);
    const words = block.type === "paragraph" ? block.content : [];
    assert.ok(words.map((word) => "text" in word ? word.text : "").join("").length > 0);
    assert.ok(blocks(`${piece}\n`.repeat(2_000)).length > 0);
  }
});

Deno.test("the name of an added image can be named in the text", () => {
  const names = ["car (2).png", "../a/b.png", ".x.png", "Größe 1.jpg", "50 %.png"].map(pictureName);
  assert.deepEqual(names, ["car-2-.png", "a-b.png", "x.png", "Größe-1.jpg", "50-.png"]);
  for (const name of names) {
    const [found] = inlines(`![](${encodeURIComponent(name)})`);
    assert.deepEqual(found, { type: "picture", name, text: "" });
  }
});
