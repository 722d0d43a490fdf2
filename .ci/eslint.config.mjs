// The stepper's script: what is no error in JavaScript but almost always one in fact.
import js from "@eslint/js";

export default [
  js.configs.recommended,
  {
    languageOptions: {
      sourceType: "script",
      globals: Object.fromEntries(
        [
          "MutationObserver",
          "ResizeObserver",
          "atob",
          "clearInterval",
          "document",
          "getComputedStyle",
          "matchMedia",
          "module",
          "setInterval",
        ].map((name) => [name, "readonly"]),
      ),
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: { eqeqeq: "error", "no-shadow": "error", "no-var": "off", "prefer-const": "error", strict: "error" },
  },
];
