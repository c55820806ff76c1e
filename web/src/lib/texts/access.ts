import type { Texts } from "./form";

/** What sign in and administration say. */
export const ACCESS = {
  page_sign_in: { zh: "登入", en: "Sign in" },
  page_admin: { zh: "系統管理", en: "Administration" },
} as const satisfies Texts;
