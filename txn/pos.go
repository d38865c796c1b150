package txn

import "fmt"

// Pos is a place in a log: a generation and the number that ZooKeeper gave in it. The zero Pos is before every entry.
type Pos struct {
	Gen int32 `json:"g"`
	Num int32 `json:"n"`
}

// Before tells whether p comes before q in log order.
func (p Pos) Before(q Pos) bool { return p.Gen < q.Gen || (p.Gen == q.Gen && p.Num < q.Num) }

// Next is the place after p within its generation.
func (p Pos) Next() Pos { return Pos{p.Gen, p.Num + 1} }

func (p Pos) String() string { return fmt.Sprintf("g-%d/%d", p.Gen, p.Num) }
