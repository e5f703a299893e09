// The Worker's own copy of the module. It says `ready` when it hears commands.
import init from "./backhoe.js";
await init();
