// Small helpers around the DOM.

export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as T;
}

/** Make an element with a class and its content. */
export function make(tag: string, className: string, ...content: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** Make an element that stands at a share (0-1) of its container's width. */
export function placed(className: string, left: number, width?: number): HTMLElement {
  const made = make("i", className);
  made.style.left = `${100 * left}%`;
  if (width !== undefined) made.style.width = `${100 * width}%`;
  return made;
}

/** Fill a group with buttons of which one is pressed. */
export function choice<T>(
  group: HTMLElement,
  options: { label: string; value: T }[],
  pressed: T,
  choose: (value: T) => void,
): void {
  const buttons = options.map(({ label, value }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-pressed", String(value === pressed));
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      choose(value);
    });
    return button;
  });
  group.replaceChildren(...buttons);
}
