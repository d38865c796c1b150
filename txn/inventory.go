package txn

// InventoryPath is where somebody asks a site what is prepared in its database, InDoubtPath where the site answers. Both are made
// with the participant's folder, empty.
func InventoryPath(participant string) string { return "participants/" + participant + "/inventory" }
func InDoubtPath(participant string) string   { return "participants/" + participant + "/in-doubt" }

// InventoryRequest is the data of the node "inventory": each new nonce is a question.
type InventoryRequest struct {
	Nonce string `json:"nonce"`
}

// MaxInventory is how many branches an Inventory names.
const MaxInventory = 1000

// Inventory is the data of the node "in-doubt": the database's own list of prepared branches, oldest first, whoever prepared them.
// A site answers also while it waits for an operator after a restore; it does not while its database is not open.
type Inventory struct {
	Nonce    string              `json:"nonce"` // of the request
	At       int64               `json:"at"`    // wall clock, Unix milliseconds
	Branches []PreparedInventory `json:"branches,omitempty"`
	More     int                 `json:"more,omitempty"`   // prepared branches that are not named
	Failed   bool                `json:"failed,omitempty"` // the database could not be asked
}

// PreparedInventory is one prepared branch.
type PreparedInventory struct {
	Name     string  `json:"name"`               // as the database has it
	Key      Key     `json:"key,omitempty"`      // none: a foreign one
	ID       string  `json:"id,omitempty"`       // of the transaction, where the site knows it
	Decision Verdict `json:"decision,omitzero"`  // where the site knows one
	Foreign  bool    `json:"foreign,omitempty"`  // not of this cluster and this participant: never touched
	Age      int64   `json:"age_ms"`             // since it was prepared, or first seen where the database does not say
	Unlogged bool    `json:"unlogged,omitempty"` // ours, and in no log that the site has read
}
