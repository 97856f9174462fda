import { App } from "./app.ts";
import { applyTheme, storedTheme } from "./view/theme.ts";

applyTheme(storedTheme());
new App();
