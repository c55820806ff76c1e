/** Which theme the page has, for what is painted and not styled. */
class Theme {
  name = $state<"light" | "dark">(document.documentElement.dataset.theme === "dark" ? "dark" : "light");

  constructor() {
    const root = document.documentElement;
    new MutationObserver(() => (this.name = root.dataset.theme === "dark" ? "dark" : "light")).observe(root, { attributeFilter: ["data-theme"] });
  }
}

export const theme = new Theme();
