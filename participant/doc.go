// Package participant runs one site system: it takes prepare requests from the site's inbox, has a resource manager do the work,
// votes, and carries out what was decided. The rules it keeps are the machine's in package txn; here they meet a database.
package participant
