/** Give a field the focus as soon as it is there, wherever it was before: `autofocus` takes it from nothing. */
export const focused = (field: HTMLElement): void => field.focus();
