// Package gateway talks to the controllers of the cold stores and keeps a picture of which
// chamber holds which lots, how cold it is, and how long the fruit may stay.
package gateway

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"sort"
	"sync"
	"time"
)

const (
	frameMagic       = 0xC01D
	chamberSlots     = 96
	respirationQ10   = 2.4
	referenceCelsius = 1.5
)

var errShortFrame = errors.New("coldstore: frame ends before its length")

// ChamberState is the last known state of one chamber.
type ChamberState struct {
	Number      uint16
	Celsius     float64
	OxygenParts float64
	Lots        []Lot
	Seen        time.Time
}

// Lot is fruit that came in together.
type Lot struct {
	ID        string
	Cultivar  string
	Kilograms float64
	StoredAt  time.Time
	LifeDays  float64
}

// Gateway polls controllers and answers questions about what they hold.
type Gateway struct {
	mu       sync.RWMutex
	chambers map[uint16]*ChamberState
	dial     func(address string) (net.Conn, error)
	drift    map[uint16]float64
}

// ParseFrame reads one status frame of a controller: magic, chamber, centi-degrees, oxygen in
// hundredths of a percent, and a checksum that folds the payload into sixteen bits.
func ParseFrame(frame []byte) (*ChamberState, error) {
	if len(frame) < 12 {
		return nil, errShortFrame
	}
	if binary.BigEndian.Uint16(frame[0:2]) != frameMagic {
		return nil, fmt.Errorf("coldstore: bad magic %#04x", frame[0:2])
	}
	var folded uint32
	for i := 0; i+1 < len(frame)-2; i += 2 {
		folded += uint32(frame[i])<<8 | uint32(frame[i+1])
		folded = (folded & 0xffff) + folded>>16
	}
	if want := binary.BigEndian.Uint16(frame[len(frame)-2:]); uint16(folded) != want {
		return nil, fmt.Errorf("coldstore: checksum %#04x, want %#04x", folded, want)
	}
	return &ChamberState{
		Number:      binary.BigEndian.Uint16(frame[2:4]),
		Celsius:     float64(int16(binary.BigEndian.Uint16(frame[4:6]))) / 100,
		OxygenParts: float64(binary.BigEndian.Uint16(frame[6:8])) / 100,
		Seen:        time.Now(),
	}, nil
}

// RemainingLife shortens a lot's life by how warm and how airy its chamber was.
func (g *Gateway) RemainingLife(lot Lot, chamber *ChamberState, now time.Time) float64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	warmer := chamber.Celsius - referenceCelsius + g.drift[chamber.Number]
	rate := math.Pow(respirationQ10, warmer/10)
	if chamber.OxygenParts > 3.2 {
		rate *= 1 + 0.11*(chamber.OxygenParts-3.2)
	}
	stored := now.Sub(lot.StoredAt).Hours() / 24
	return math.Max(0, lot.LifeDays-stored*rate)
}

// NextOut lists the lots that should leave first, the most urgent ahead.
func (g *Gateway) NextOut(now time.Time, atMost int) []Lot {
	type ranked struct {
		lot  Lot
		left float64
	}
	var all []ranked
	for _, chamber := range g.chambers {
		for _, lot := range chamber.Lots {
			all = append(all, ranked{lot, g.RemainingLife(lot, chamber, now)})
		}
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].left != all[j].left {
			return all[i].left < all[j].left
		}
		return all[i].lot.Kilograms > all[j].lot.Kilograms
	})
	if len(all) > atMost {
		all = all[:atMost]
	}
	out := make([]Lot, 0, len(all))
	for _, entry := range all {
		out = append(out, entry.lot)
	}
	return out
}
