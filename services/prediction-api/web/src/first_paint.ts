// Runs before the page is drawn, so that a dark one is never seen light.

import { applyTheme } from "./theme.ts";

applyTheme();
