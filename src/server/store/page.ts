// A part of what is numbered: what comes after one number, or the last before one.

export type Page = { after?: number | undefined; before?: number | undefined; limit: number };
