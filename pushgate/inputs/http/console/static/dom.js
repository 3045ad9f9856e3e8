// Helpers for elements. Text is untrusted: it is set as text, never as markup.

/** Return the element with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Make an element, with attributes, and children that are elements or text. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((each) => each !== null).map((each) => (each instanceof Node ? each : String(each))));
  return element;
}

/** Make a table cell; the label is shown beside it on narrow screens. */
export function cell(label, content, kind = "") {
  const inner = content instanceof Node ? content : make("span", {}, content ?? "");
  return make("td", { "data-label": label, ...(kind ? { class: kind } : {}) }, inner);
}

/** Make a word in a coloured field. */
export function pill(text, kind = "") {
  return make("span", { class: `pill ${kind}`.trim() }, text);
}

/** Set the options of a select, and keep its selection. */
export function fillSelect(select, values, first = null) {
  const wanted = first === null ? values : ["", ...values];
  const present = [...select.options].map((each) => each.value);
  if (present.length === wanted.length && present.every((each, index) => each === wanted[index])) return;
  const chosen = select.value;
  select.replaceChildren(...wanted.map((value) => make("option", { value }, value === "" ? first : value)));
  if (wanted.includes(chosen)) select.value = chosen;
}

/** Show an error above the page; null hides it. */
export function notice(text) {
  const element = byId("notice");
  element.textContent = text ?? "";
  element.hidden = text === null;
}
