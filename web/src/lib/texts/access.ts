import type { Texts } from "./form";

/** What sign in and administration say. */
export const ACCESS = {
  page_sign_in: { zh: "登入", en: "Sign in" },
  page_admin: { zh: "系統管理", en: "Administration" },
  access_name: { zh: "帳號", en: "Name" },
  access_password: { zh: "密碼", en: "Password" },
  access_sign_in: { zh: "登入", en: "Sign in" },
  access_sign_out: { zh: "登出", en: "Sign out" },
  access_expired: { zh: "閒置過久已登出，登入後回到原畫面", en: "Signed out after a time without activity; sign in to go on where you were" },
  access_welcome: { zh: "歡迎，{name}。請設定密碼", en: "Welcome, {name}. Choose a password" },
  access_rules: {
    zh: "至少 12 個字元，不含帳號名稱，不用常見密碼；可用一句話。",
    en: "12 characters at least, without your name, none of the common ones; a sentence is good.",
  },
  access_new_password: { zh: "新密碼", en: "New password" },
  access_again: { zh: "再輸入一次", en: "Once more" },
  access_differ: { zh: "兩次輸入的密碼不同", en: "The two passwords differ" },
  access_choose: { zh: "設定並登入", en: "Choose and sign in" },
  access_signing_in: { zh: "登入中…", en: "Signing in…" },
  access_no_invitation: { zh: "改用帳號與密碼登入", en: "Sign in with name and password" },
  access_turned_away: {
    zh: "單一登入未成功，或您不屬於可使用本系統的群組；請洽系統管理者",
    en: "Single sign-on did not succeed, or you are in no group that may use this system; ask an administrator",
  },
  access_ending: { zh: "閒置中，{n} 秒後自動登出", en: "Without activity you are signed out in {n} s" },
  access_stay: { zh: "繼續使用", en: "Stay signed in" },
  access_signed_in_as: { zh: "登入者：{name}", en: "Signed in as {name}" },
} as const satisfies Texts;
