/** Keys that pages share. What is typed into a field, or said to an open dialog, is no key of a page. */
export function isLevelUp(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return false;
  if (event.key !== "Escape" && event.key !== "Backspace") return false;
  const target = event.target as HTMLElement | null;
  return !target?.closest("input:not([type=range]), textarea, select, dialog, [contenteditable]");
}
