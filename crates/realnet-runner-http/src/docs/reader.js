// Reads /api/openapi.json and shows it: operations by group, their parameters, bodies and answers, and a way to try them.
// Text goes into the page as text nodes only, so that nothing in a document can become markup.
"use strict";

const methods = ["get", "post", "put", "patch", "delete"];
const place = document.getElementById("operations");
const filter = document.getElementById("filter");
const who = document.getElementById("who");
// The token lives as long as the page and is written nowhere.
let token = null;
let description = null;

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}

function resolve(value) {
  let steps = 0;
  while (value && value.$ref && value.$ref.startsWith("#/") && steps++ < 10) {
    value = value.$ref.slice(2).split("/").reduce(
      (at, key) => at && at[key.replace(/~1/g, "/").replace(/~0/g, "~")], description);
  }
  return value || {};
}

// A schema with its references laid open, as deep as a reader wants it.
function open(schema, depth = 0) {
  const plain = resolve(schema);
  if (depth > 6 || typeof plain !== "object") return plain;
  const result = {};
  for (const [key, value] of Object.entries(plain)) {
    if (key === "properties") {
      result[key] = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, open(inner, depth + 1)]));
    } else if (key === "items") {
      result[key] = open(value, depth + 1);
    } else if (["allOf", "anyOf", "oneOf"].includes(key)) {
      result[key] = value.map((inner) => open(inner, depth + 1));
    } else {
      result[key] = value;
    }
  }
  return result;
}

function headers(extra) {
  return token ? { Authorization: "Bearer " + token, ...extra } : { ...extra };
}

function parameters(operation, shared) {
  const all = [...(shared || []), ...(operation.parameters || [])].map(resolve);
  if (!all.length) return null;
  const rows = all.map((one) => element("tr", {},
    element("td", {}, element("code", {}, one.name + (one.required ? " *" : ""))),
    element("td", { class: "quiet" }, one.in), element("td", {}, one.description || "")));
  return element("table", {}, element("tbody", {}, ...rows));
}

function content(part) {
  const kinds = Object.entries(resolve(part).content || {});
  return kinds.map(([kind, media]) => element("details", {},
    element("summary", {}, element("code", {}, kind)),
    element("div", {}, element("pre", {}, JSON.stringify(open(media.schema), null, 2)))));
}

function attempt(method, path) {
  const address = element("input", { value: path, "aria-label": "Address" });
  const body = method === "get" || method === "delete" ? null : element("textarea", { "aria-label": "Body" }, "{}");
  const answer = element("pre", { hidden: "" });
  const send = async () => {
    answer.hidden = false;
    try {
      const response = await fetch(address.value, {
        method: method.toUpperCase(),
        headers: headers(body ? { "Content-Type": "application/json" } : {}),
        body: body ? body.value : undefined,
      });
      const text = await response.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
      answer.textContent = response.status + " " + response.statusText + "\n" + shown;
    } catch (error) {
      answer.textContent = String(error);
    }
  };
  return element("div", {}, element("div", { class: "try" }, address,
    element("button", { type: "button", onclick: send }, "Try")), body, answer);
}

function operation(method, path, item) {
  const one = item[method];
  const inside = element("div", {});
  const node = element("details", {}, element("summary", {},
    element("span", { class: "method " + method }, method.toUpperCase()), element("code", {}, path),
    element("span", { class: "quiet" }, one.summary || "")), inside);
  // Hundreds of operations: each is laid out when it is opened.
  node.addEventListener("toggle", () => {
    if (!node.open || inside.childNodes.length) return;
    inside.append(element("p", {}, one.description || ""));
    const table = parameters(one, item.parameters);
    if (table) inside.append(element("h2", {}, "Parameters"), table);
    if (one.requestBody) inside.append(element("h2", {}, "Body"), ...content(one.requestBody));
    inside.append(element("h2", {}, "Answers"));
    for (const [status, answer] of Object.entries(one.responses || {})) {
      inside.append(element("p", {}, element("code", {}, status), " ", resolve(answer).description || ""),
        ...content(answer));
    }
    inside.append(element("h2", {}, "Try"), attempt(method, path));
  });
  return node;
}

function show() {
  const wanted = filter.value.trim().toLowerCase();
  const groups = new Map();
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of methods) {
      if (!item[method]) continue;
      const tag = (item[method].tags || ["Other"])[0];
      const text = [method, path, tag, item[method].summary].join(" ").toLowerCase();
      if (!wanted.split(/\s+/).every((word) => text.includes(word))) continue;
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(method, path, item));
    }
  }
  place.replaceChildren(...[...groups].flatMap(([tag, nodes]) => [element("h2", {}, tag), ...nodes]));
  if (!groups.size) place.replaceChildren(element("p", {}, "Nothing matches."));
}

async function load() {
  try {
    const response = await fetch("/api/openapi.json", { headers: headers({}) });
    if (!response.ok) throw new Error("the server answered " + response.status);
    description = await response.json();
    show();
  } catch (error) {
    place.replaceChildren(element("p", {}, "The description can not be loaded: " + error.message));
  }
}

filter.addEventListener("input", () => description && show());
document.getElementById("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const password = document.getElementById("password");
  const body = { username: document.getElementById("username").value, password: password.value };
  password.value = "";
  try {
    const response = await fetch("/api/auth", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const answer = await response.json();
    token = response.ok ? answer.token : null;
    who.textContent = response.ok ? "signed in as " + answer.account.username : answer.detail;
  } catch (error) {
    who.textContent = "The server can not be reached: " + error.message;
  }
  await load();
});
load();
