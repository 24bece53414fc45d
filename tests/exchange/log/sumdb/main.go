// Verifies a log with Go's own code for transparent logs, golang.org/x/mod/sumdb, and nothing of this project.
//
// Usage: sumdb VKEY FOLDER EARLIER RECORD INDEX PROOF
//
// VKEY is the log's Ed25519 key as a note verifier takes it, FOLDER a static copy of the log (C2SP tlog-tiles),
// EARLIER an earlier signed head, RECORD the leaf data, INDEX its place, PROOF its inclusion proof: one hash a line, in
// hexadecimal. Ends with status 1 and the reason unless all of it is true.
package main

import (
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// folder reads tiles as C2SP has them: all of height 8, which its paths do not name.
type folder string

func (f folder) Height() int { return 8 }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 7 {
		log.Fatal("usage: sumdb VKEY FOLDER EARLIER RECORD INDEX PROOF")
	}
	vkey, tiles, index := os.Args[1], folder(os.Args[2]), number(os.Args[5])
	head := open(vkey, filepath.Join(os.Args[2], "checkpoint"))
	earlier := open(vkey, os.Args[3])
	leaf := tlog.RecordHash(read(os.Args[4]))

	check("the given proof", tlog.CheckRecord(proof(os.Args[6]), head.N, head.Hash, index, leaf))

	reader := tlog.TileHashReader(head, tiles)
	record, err := tlog.ProveRecord(head.N, index, reader)
	check("a proof from the tiles", err)
	check("the proof from the tiles", tlog.CheckRecord(record, head.N, head.Hash, index, leaf))

	tree, err := tlog.ProveTree(head.N, earlier.N, reader)
	check("a proof that the log only grew", err)
	check("the proof that the log only grew", tlog.CheckTree(tree, head.N, head.Hash, earlier.N, earlier.Hash))
	fmt.Printf("record %d of %d, grown from %d: all good\n", index, head.N, earlier.N)
}

// open verifies a signed head; its text is a name, a size and a root, a line each.
func open(vkey, path string) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	check("the key", err)
	signed, err := note.Open(read(path), note.VerifierList(verifier))
	check(path, err)
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		log.Fatalf("%s: not three lines of %s", path, verifier.Name())
	}
	root, err := tlog.ParseHash(lines[2])
	check(path, err)
	return tlog.Tree{N: number(lines[1]), Hash: root}
}

func proof(path string) tlog.RecordProof {
	var steps tlog.RecordProof
	for _, line := range strings.Fields(string(read(path))) {
		var step tlog.Hash
		decoded, err := hex.DecodeString(line)
		check(path, err)
		if copy(step[:], decoded) != len(step) || len(decoded) != len(step) {
			log.Fatalf("%s: a hash has %d bytes", path, len(step))
		}
		steps = append(steps, step)
	}
	return steps
}

func number(text string) int64 {
	found, err := strconv.ParseInt(text, 10, 64)
	check(text, err)
	return found
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	check(path, err)
	return data
}

func check(what string, err error) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}
