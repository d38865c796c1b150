// Package failpoint lets a process die at a step of the protocol that it chose beforehand: right before the step's durable act, or
// right after it, before anything else has heard of it; or a while later, the act being held meanwhile. A program that is built with the tag "failpoints" and started with
//
//	MEDCOMMIT_FAILPOINT=decide-commit/before:3
//
// kills itself by SIGKILL when it is about to log its third batch of decisions to commit. Without the tag, and so in every program
// that is shipped, Before and After are empty and nothing of this package is left.
//
// Package txn, which takes no steps itself, does not know of it; the drivers around its machines name the step they carry out. Every
// step here has a test that dies at it (integration, TestCrash).
package failpoint
