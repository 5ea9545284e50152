// Looking up what a device, a plant file or an address named: a machine may be called `constructor`, and every object
// has one.

/** The value of a table under a name, if it is the table's own. */
export const own = (table, name) => (table && Object.hasOwn(table, name) ? table[name] : undefined);
