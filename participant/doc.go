// Package participant runs one site system: it takes prepare requests from the site's inbox, has a resource manager do the work,
// votes, and carries out what was decided. The rules it keeps are those of the machine in package txn; here they meet a database.
//
// ZooKeeper is the authority on what was decided, the database on what is prepared and what was committed. The process holds
// nothing that either would miss: killed at any moment, its successor lists the one, reads the other, and goes on.
//
// One goroutine, the loop, owns the machine. What the machine wants of ZooKeeper goes to the Ledger; what it wants of the database
// goes to slots, each executing one branch, to finishers of their own, so that a commit never waits behind the branches that wait
// for it (R14), and to one housekeeper for the site row and the lists. All of them answer as events.
//
//	what fails                     what the participant does
//	the ZooKeeper session          shows itself not ready, commits and rolls back what it knows to be decided, recovers with the next
//	an answer to a prepare         asks the database until it says whether the branch is prepared; prepared is a vote to commit (R16)
//	work, by its own conditions    votes to abort, with the reason; nothing of it was ever prepared
//	a commit or a roll-back        tries again with back-off; the branch is named in "applied" meanwhile, the others go on
//	a commit finds no branch       reports it as heuristic: data was lost (R7)
//	the database                   shows itself not ready and asks it every second
//	another process of its name    ends with ErrReplaced, as soon as it sees it (R5)
//	a restored backup              prepares and presumes nothing until an operator decides (R10)
//
// What a site lets clients do stands in its Catalogue. Every call is checked against it again before it reaches the database, for
// the coordinator may have looked at an older one.
package participant
