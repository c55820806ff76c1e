/** Texts by key, zh-TW first. A key that lacks a language does not compile. */
export type Texts = Record<string, { zh: string; en: string }>;
