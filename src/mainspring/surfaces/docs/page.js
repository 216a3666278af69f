"use strict";
// The page about the API: reads the OpenAPI description of what the caller may do, and lets it be tried. No text from the
// API is ever parsed as HTML: `h` makes elements, and strings become text.

const source = document.currentScript.dataset.description;
const $ = (id) => document.getElementById(id);
const main = $("main");
const kept = sessionStorage;
let doc = null, base = "";

function h(tag, attributes, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const resolve = (spec) => spec && spec.$ref ? spec.$ref.split("/").slice(1).reduce((found, key) => found[key], doc) : spec;
const nameOf = (path) => decodeURIComponent(path.replace(/^\/(rpc\/)?/, ""));
const isCall = (path) => path.startsWith("/rpc/");
const parametersOf = (operation) => (operation.parameters || []).map(resolve);
const embedded = (spec) => JSON.stringify([spec.items, spec.oneOf, spec.anyOf]).includes('.Row"');
const jsonBody = (operation) => ((operation.requestBody || {}).content || {})["application/json"];

function rowOf(path) {
  if (isCall(path)) {
    const arguments_ = jsonBody(doc.paths[path].post);
    return resolve(arguments_ && arguments_.schema) || {};
  }
  const of = (operation, spec) => operation && spec(operation);
  const item = doc.paths[path];
  const read = of(item.get, (get) => get.responses["200"].content["application/json"].schema.items);
  const added = of(item.post, (post) => jsonBody(post).schema.anyOf[0]);
  return resolve(read || added || of(item.patch, (patch) => jsonBody(patch).schema)) || {};
}

function pathOf(spec) {
  const row = (found) => found.$ref ? resolve(found) : row(found.items || (found.oneOf || found.anyOf)[0]);
  return Object.keys(doc.paths).find((path) => !isCall(path) && rowOf(path) === row(spec)) || "/";
}

// ---------------------------------------------------------------- who asks

function credentials() {
  const key = kept.getItem("apikey"), token = kept.getItem("token"), headers = {};
  if (key) headers.apikey = key;
  if (token || key) headers.authorization = `Bearer ${token || key}`;
  return headers;
}

const profile = (method) => kept.getItem("schema") ? { [method === "get" ? "Accept-Profile" : "Content-Profile"]: kept.getItem("schema") } : {};

async function load() {
  try {
    const answer = await fetch(source, { headers: { ...credentials(), ...profile("get") } });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.message);
    doc = told;
  } catch (error) {
    doc = null;
    $("nav").replaceChildren();
    $("who").textContent = "not let in";
    $("key").hidden = false;
    main.replaceChildren(h("h1", null, "No description"), h("p.bad", null, error.message),
      h("p", null, "Give an API key or a token above."));
    return;
  }
  base = new URL(doc.servers[0].url, location.href).href.replace(/\/$/, "");
  $("who").textContent = (/role `(.+?)`/.exec(doc.info.description) || [])[1] || "anon";
  document.title = document.querySelector(".brand").textContent = doc.info.title;
  const schemas = doc["x-schemas"] || [];
  $("schema").replaceChildren(...schemas.map((name) => h("option", { selected: name === doc["x-schema"] }, name)));
  $("schema").hidden = !schemas.length;
  route();
}

// ---------------------------------------------------------------- the list

function navigation() {
  const wanted = $("search").value.trim().toLowerCase(), here = location.hash.slice(1);
  const groups = { Tables: [], Functions: [] };
  for (const [path, operations] of Object.entries(doc.paths)) {
    const known = [nameOf(path), ...Object.keys(rowOf(path).properties || {})];
    if (wanted && !known.some((name) => name.toLowerCase().includes(wanted))) continue;
    const methods = Object.keys(operations).map((method) => h(`i.${method}`, { title: method.toUpperCase() }, method[0].toUpperCase()));
    groups[isCall(path) ? "Functions" : "Tables"].push(
      h("a", { href: `#${path}`, "aria-current": here === path && "page" }, h("span", null, nameOf(path)), methods));
  }
  const shown = Object.entries(groups).filter(([, links]) => links.length);
  $("nav").replaceChildren(...shown.flatMap(([name, links]) => [h("h2", null, `${name} · ${links.length}`), ...links]),
    ...(shown.length ? [] : [h("p.quiet", null, "Nothing of that name.")]));
}

function route() {
  if (!doc) return;
  navigation();
  const path = location.hash.slice(1);
  main.replaceChildren(...(doc.paths[path] ? resource(path) : overview()));
  window.scrollTo(0, 0);
}

function inline(text) {
  return text.split(/(`[^`]+`)/).map((part) => part.startsWith("`") ? h("code", null, part.slice(1, -1)) : part);
}

function prose(text) {
  return (text || "").split(/\n{2,}/).filter(Boolean).map((block) => {
    if (!block.startsWith("|")) return h("p", null, inline(block));
    const cells = block.split("\n").filter((line) => !/^\|-/.test(line)).map((line) => line.split("|").slice(1, -1));
    return h("div.scroll", null, h("table", null, cells.map((row, number) =>
      h("tr", null, row.map((cell) => h(number ? "td" : "th", null, inline(cell.trim())))))));
  });
}

function overview() {
  const paths = Object.keys(doc.paths), calls = paths.filter(isCall).length;
  return [h("h1", null, doc.info.title), h("p.path", null, base), h("p", null, `${paths.length - calls} tables and ${calls} functions. `,
    h("a", { href: source }, "The OpenAPI 3.1 description"), " is for tools."), ...prose(doc.info.description)];
}

// ---------------------------------------------------------------- one table or function

function typeOf(spec) {
  if (spec.enum) return spec.enum.filter((value) => value !== null).join(" | ");
  const types = [spec.type || "any"].flat().filter((type) => type !== "null");
  if (types[0] === "array") return `${typeOf(spec.items || {})}[]`;
  const length = spec.maxLength ? `(${spec.maxLength})` : "";
  return (spec.format && types[0] !== "number" ? spec.format : types[0]) + length;
}

function resource(path) {
  const row = rowOf(path), operations = doc.paths[path], first = Object.values(operations)[0];
  const members = Object.entries(row.properties || {}), columns = members.filter(([, spec]) => !embedded(spec));
  const related = members.filter(([, spec]) => embedded(spec)), call = isCall(path), needed = row.required || [];
  const parts = [h("h1", null, nameOf(path)), h("p.path", null, base + path), ...prose(row.description || (call ? first.summary : "")),
    ...(call ? prose(first.description) : [])];
  if (columns.length) parts.push(h("h2", null, call ? "Arguments" : "Columns"), h("div.scroll", null, h("table", null,
    h("tr", null, ["Name", "Type", ""].map((title) => h("th", null, title))),
    columns.map(([name, spec]) => h("tr", null, h("td.name", null, name), h("td.type", null, typeOf(spec),
      [spec.type].flat().includes("null") ? h("span.tag", null, "null") : null, spec.readOnly ? h("span.tag", null, "read only") : null,
      call && needed.includes(name) ? h("span.tag", null, "required") : null),
      h("td", null, inline(spec.description || ""), spec.default === undefined ? null : h("span.tag", null, `default ${JSON.stringify(spec.default)}`)))))));
  if (related.length) parts.push(h("h2", null, "Related"), h("div.scroll", null, h("table", null, related.map(([name, spec]) =>
    h("tr", null, h("td.name", null, h("a", { href: `#${pathOf(spec)}` }, name)),
      h("td", null, spec.type === "array" ? "many" : spec.oneOf ? "one" : "one or many"), h("td", null, inline(spec.description || "")))))));
  const stage = h("div", { role: "tabpanel" });
  const tabs = tablist(Object.keys(operations).map((method) => [method.toUpperCase(), () => stage.replaceChildren(trial(path, method)), method]));
  return [...parts, h("h2", null, "Try it"), tabs, stage];
}

function tablist(entries) {
  const list = h("div.tabs", { role: "tablist" });
  const buttons = entries.map(([label, show, colour]) => h(`button${colour ? `.${colour}` : ""}`, { type: "button", role: "tab", onclick: (event) => {
    buttons.forEach((button) => button.setAttribute("aria-selected", button === event.currentTarget));
    show();
  } }, label));
  list.append(...buttons);
  if (buttons.length) buttons[0].click();
  return list;
}

// ---------------------------------------------------------------- a request, made up and sent

function trial(path, method) {
  const operation = doc.paths[path][method], parameters = parametersOf(operation), call = isCall(path);
  const known = (name) => parameters.find((each) => each.name === name && each.in === "query");
  const filterable = parameters.filter((each) => each["x-operators"]);
  const body = jsonBody(operation), plain = parameters.filter((each) => each.in === "query" && !each["x-operators"]
    && !["and", "or", "columns"].includes(each.name));
  const filters = h("div"), inputs = {}, form = h("form"), snippet = h("div.snippet"), answer = h("div", { hidden: true, "aria-live": "polite" });
  let flavour = "curl", flavours = null;

  const addFilter = (name) => {
    const column = h("select", { "aria-label": "column" }, filterable.map((each) => h("option", { value: each.name, selected: each.name === name }, each.name)));
    const operator = h("select", { "aria-label": "operator" }), value = h("input.wide", { "aria-label": "value" });
    const negated = h("input", { type: "checkbox" }), line = h("div.row");
    const fill = () => operator.replaceChildren(...resolve(known(column.value))["x-operators"].map((each) => h("option", null, each)));
    column.addEventListener("change", fill);
    fill();
    value.value = ([known(column.value).example || ""].flat()[0]).replace(/^[a-z.]+?\./, "");
    line.read = () => [column.value, negated.checked, operator.value, value.value];
    line.append(column, h("label", null, negated, " not"), operator, value,
      h("button", { type: "button", "aria-label": "remove this filter", onclick: () => { line.remove(); told(); } }, "×"));
    filters.append(line);
    told();
  };

  const request = () => {
    const lines = [...filters.children].map((line) => line.read()), query = new URLSearchParams();
    for (const [name, not, operator, value] of lines) query.append(name, `${not ? "not." : ""}${operator}.${value}`);
    for (const [name, input] of Object.entries(inputs)) if (input.value && input.dataset.in === "query") query.append(name, input.value);
    const text = query.toString().replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%28/g, "(").replace(/%29/g, ")").replace(/%2A/g, "*").replace(/\+/g, "%20");
    const headers = profile(method), prefer = inputs.Prefer && inputs.Prefer.value;
    if (prefer) headers.Prefer = prefer;
    if (body) headers["Content-Type"] = "application/json";
    return { url: base + path + (text ? `?${text}` : ""), headers, content: body ? inputs.body.value : undefined, lines };
  };

  const told = () => {
    if (!flavours) return;
    const text = flavour === "curl" ? curl(method, request()) : script(path, method, request(), inputs, call);
    snippet.replaceChildren(flavours, h("pre", null, text), h("button.copy", { type: "button", onclick: (event) => {
      const button = event.currentTarget;
      (navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject()).then(() => { button.textContent = "Copied"; },
        () => { button.textContent = "Select and copy"; });
    } }, "Copy"));
  };

  const send = async (event) => {
    event.preventDefault();
    const { url, headers, content } = request(), begun = performance.now();
    answer.hidden = false;
    answer.replaceChildren(h("p.quiet", null, "Waiting…"));
    try {
      const response = await fetch(url, { method: method.toUpperCase(), headers: { ...headers, ...credentials() }, body: content });
      const text = await response.text(), took = Math.round(performance.now() - begun), range = response.headers.get("content-range");
      answer.replaceChildren(h("p", null, h(`span.status.${response.ok ? "good" : "bad"}`, null, `${response.status} ${response.statusText}`),
        h("span.quiet", null, ` · ${took} ms · ${text.length.toLocaleString("en")} characters${range ? ` · rows ${range}` : ""}`)), shown(text));
    } catch (error) {
      answer.replaceChildren(h("p.bad", null, `${error.message}. A page may only call its own address; this API is at ${base}.`));
    }
  };

  const fields = h("div.fields");
  const field = (name, input, label) => { input.id = `field-${name}`; inputs[name] = input; fields.append(h("label", { for: input.id }, label || name), input); };
  for (const each of plain) {
    const first = each.name === "limit" ? 10 : each.name === "select" && method === "get" || each.required ? each.example : "";
    field(each.name, h("input", { value: String(first ?? ""), placeholder: each.required ? "required" : "", "data-in": "query", title: each.description }));
  }
  const prefer = parameters.find((each) => each.name === "Prefer");
  if (prefer) field("Prefer", h("input", { value: ["post", "put", "patch", "delete"].includes(method) && !call ? "return=representation" : "", title: prefer.description }));
  if (filterable.length) form.append(filters, h("div.row", null, h("button", { type: "button", onclick: () => addFilter() }, "+ filter")));
  form.append(fields);
  if (body) {
    const sample = h("textarea", { spellcheck: "false", "aria-label": "body" });
    sample.value = JSON.stringify(body.example ?? {}, null, 2);
    inputs.body = sample;
    form.append(h("div.row", null, sample));
  }
  form.append(h("button.main", { type: "submit" }, "Send"), h("span.quiet", null, "  Ctrl+Enter"));
  form.addEventListener("submit", send);
  form.addEventListener("input", told);
  form.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.ctrlKey) send(event); });
  flavours = tablist([["curl", () => { flavour = "curl"; told(); }], ["supabase-js", () => { flavour = "js"; told(); }]]);
  if (method === "put") filterable.forEach((each) => addFilter(each.name));
  if (["patch", "delete"].includes(method) && filterable.length) addFilter();
  told();
  return h("div.card", null, form, snippet, answer);
}

const quoted = (text) => `'${text.replace(/'/g, "'\\''")}'`;

function curl(method, { url, headers, content }) {
  const lines = [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}${quoted(url)}`, '-H "apikey: $ANON_KEY"', '-H "Authorization: Bearer $TOKEN"'];
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (content !== undefined) lines.push(`-d ${quoted(content)}`);
  return lines.join(" \\\n  ");
}

function script(path, method, { lines, content }, inputs, call) {
  const text = (value) => JSON.stringify(value), given = (name) => inputs[name] && inputs[name].value;
  const again = (value) => /^-?\d+(\.\d+)?$/.test(value) ? value : text(value), steps = [];
  if (call) {
    const values = Object.entries(inputs).filter(([, input]) => input.dataset.in === "query" && input.value);
    const reads = ["select", "order", "limit", "offset"];
    const sent = content !== undefined ? content.trim() : `{ ${values.filter(([name]) => !reads.includes(name)).map(([name, input]) => `${text(name)}: ${again(input.value)}`).join(", ")} }`;
    steps.push(`.rpc(${text(nameOf(path))}, ${sent}${method === "get" ? ", { get: true }" : ""})`);
  } else {
    steps.push(`.from(${text(nameOf(path))})`);
    if (method === "get") steps.push(`.select(${text(given("select") || "*")})`);
    if (method === "post") steps.push(`.insert(${content.trim()})`);
    if (method === "put") steps.push(`.upsert(${content.trim()})`);
    if (method === "patch") steps.push(`.update(${content.trim()})`);
    if (method === "delete") steps.push(".delete()");
  }
  for (const [name, not, operator, value] of lines) {
    const simple = !not && ["eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike"].includes(operator);
    steps.push(simple ? `.${operator}(${text(name)}, ${again(value)})` : `.${not ? "not" : "filter"}(${text(name)}, ${text(operator)}, ${text(value)})`);
  }
  if (method !== "get" && /return=representation/.test(given("Prefer") || "")) steps.push(`.select(${text(given("select") || "*")})`);
  for (const term of (given("order") || "").split(",").filter(Boolean)) {
    const [name, ...how] = term.split(".");
    steps.push(`.order(${text(name)}${how.includes("desc") ? ", { ascending: false }" : ""})`);
  }
  if (given("limit")) steps.push(given("offset") ? `.range(${given("offset")}, ${Number(given("offset")) + Number(given("limit")) - 1})` : `.limit(${given("limit")})`);
  if (kept.getItem("schema")) steps.unshift(`.schema(${text(kept.getItem("schema"))})`);
  return `const { data, error } = await supabase\n  ${steps.join("\n  ")}`;
}

// ---------------------------------------------------------------- an answer

function shown(text) {
  let value;
  try { value = JSON.parse(text); } catch { return h("pre", null, text || "no content"); }
  const stage = h("div"), flat = Array.isArray(value) && value.length && value.every((row) => row && typeof row === "object" && !Array.isArray(row));
  const json = ["JSON", () => stage.replaceChildren(h("pre", null, coloured(JSON.stringify(value, null, 2))))];
  const table = ["Table", () => stage.replaceChildren(grid(value))];
  return h("div", null, tablist(flat ? [table, json] : [json]), stage);
}

function grid(rows) {
  const names = [...new Set(rows.flatMap(Object.keys))];
  const cell = (value) => h("td.cell", { title: typeof value === "object" && value ? JSON.stringify(value) : undefined },
    value === null || value === undefined ? h("span.quiet", null, "null") : typeof value === "object" ? JSON.stringify(value) : String(value));
  return h("div.scroll", null, h("table", null, h("tr", null, names.map((name) => h("th", null, name))),
    rows.slice(0, 200).map((row) => h("tr", null, names.map((name) => cell(row[name]))))));
}

function coloured(text) {
  const parts = text.split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|-?\b\d[\d.eE+-]*\b|\b(?:true|false|null)\b)/);
  return parts.map((part, number) => number % 2 ? h(`span.${part.endsWith(":") ? "k" : part.startsWith('"') ? "s" : "n"}`, null, part) : part);
}

// ---------------------------------------------------------------- the page itself

function theme(name) {
  document.documentElement.dataset.theme = name;
}
theme(localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
$("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", next);
  theme(next);
});
$("who").addEventListener("click", () => {
  $("key").hidden = !$("key").hidden;
  $("who").setAttribute("aria-expanded", !$("key").hidden);
  if (!$("key").hidden) $("apikey").focus();
});
$("key").addEventListener("submit", (event) => {
  event.preventDefault();
  for (const name of ["apikey", "token"]) kept.setItem(name, $(name).value.trim());
  $("key").hidden = true;
  load();
});
$("key").addEventListener("reset", () => {
  kept.clear();
  load();
});
$("schema").addEventListener("change", () => {
  kept.setItem("schema", $("schema").value);
  location.hash = "#/";
  load();
});
$("search").addEventListener("input", () => doc && navigation());
$("search").addEventListener("keydown", (event) => {
  const first = $("nav").querySelector("a");
  if (event.key === "Enter" && first) location.hash = first.getAttribute("href");
  if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
  if (event.key === "Escape") { event.currentTarget.value = ""; navigation(); }
});
$("nav").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], links = [...$("nav").querySelectorAll("a")];
  const next = step && links[links.indexOf(document.activeElement) + step];
  if (next) { event.preventDefault(); next.focus(); }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(input|textarea|select)$/i.test(event.target.tagName)) { event.preventDefault(); $("search").focus(); }
});
addEventListener("hashchange", route);
load();
