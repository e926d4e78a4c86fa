import { constants } from "node:fs";

/** To append to a file, which is made if it is missing; a link in its place is an error (ELOOP), and not followed. */
export const appendFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
