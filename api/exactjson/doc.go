// Package exactjson reads JSON without losing anything, and writes it in one canonical form.
//
// encoding/json mends what it reads: of two members of one name it keeps the last, a lone surrogate becomes U+FFFD, a large integer
// becomes a float. What a client wants done to a patient's record is not mended here: such a text is refused (I-JSON, RFC 7493), and
// a number keeps the value it was written with.
//
// The canonical form is RFC 8785, but for numbers that a double cannot hold exactly: RFC 8785 would round them, and two amounts that
// differ would look the same. They are written in full instead. Equal texts in this form are equal values.
package exactjson
