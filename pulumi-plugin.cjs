"use strict";

/**
 * Serves the components to Pulumi programs in other languages.
 *
 * `main` of package.json, because that is what Pulumi's language host loads when it is given this folder as a plugin
 * (PulumiPlugin.yaml); it then calls the exported function. Who imports the package by its name gets `exports`.
 */
module.exports = function serve() {
  let library;
  try {
    library = require("./dist/lib/components/plugin.js");
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND" || !error.message.includes("dist/lib")) throw error;
    throw new Error(`the package in ${module.path} has not been built: run "npm run build" there`, {
      cause: error,
    });
  }
  return library.servePlugin(process.argv.slice(2));
};
