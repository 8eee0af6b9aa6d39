/** Light or dark: as the system says, until somebody says otherwise. */
import { button } from "./dom";

const CHOICES = ["automatic", "light", "dark"] as const;
type Choice = (typeof CHOICES)[number];
const KEY = "robot-console-theme";

export function attachTheme(changed: () => void): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let choice = stored();
  const apply = () => {
    const resolved = choice === "automatic" ? (dark.matches ? "dark" : "light") : choice;
    document.documentElement.dataset["theme"] = resolved;
    toggle.textContent = `Theme: ${choice}`;
    changed();
  };
  const toggle = button("theme", () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length]!;
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // Without storage it is kept until the page is closed.
    }
    apply();
  });
  dark.addEventListener("change", apply);
  apply();
}

function stored(): Choice {
  try {
    const found = localStorage.getItem(KEY);
    return CHOICES.find((choice) => choice === found) ?? "automatic";
  } catch {
    return "automatic";
  }
}
