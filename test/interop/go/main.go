// Command peer drives nats.go for the interoperation tests: JSON requests on stdin, answers and events on
// stdout, one a line. `peer streams URL`, `peer stores URL` and `peer push URL` are programs by
// themselves, which STORAGE and RESTART of the environment change (restart.go).
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"sync"

	"github.com/nats-io/nats.go"
)

type request struct {
	ID        int                 `json:"id"`
	Op        string              `json:"op"`
	URL       string              `json:"url"`
	Name      string              `json:"name"`
	Sub       int                 `json:"sub"`
	Subject   string              `json:"subject"`
	Queue     string              `json:"queue"`
	Reply     string              `json:"reply"`
	Max       int                 `json:"max"`
	TimeoutMs int                 `json:"timeoutMs"`
	Data      []byte              `json:"data"`
	Headers   map[string][]string `json:"headers"`
}

type message struct {
	Subject string              `json:"subject"`
	Reply   string              `json:"reply"`
	Data    []byte              `json:"data"`
	Headers map[string][]string `json:"headers"`
}

type failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

type answer struct {
	ID         *int     `json:"id,omitempty"`
	Error      *failure `json:"error,omitempty"`
	Message    *message `json:"message,omitempty"`
	RttMs      float64  `json:"rttMs,omitempty"`
	MaxPayload int64    `json:"maxPayload,omitempty"`
	Version    string   `json:"version,omitempty"`
	Sub        *int     `json:"sub,omitempty"`
	Status     string   `json:"status,omitempty"`
}

var (
	outputLock sync.Mutex
	output     = json.NewEncoder(os.Stdout)
)

// say prints one line; callbacks of several subscriptions may speak at once.
func say(a answer) {
	outputLock.Lock()
	defer outputLock.Unlock()
	if err := output.Encode(a); err != nil {
		log.Fatal(err)
	}
}

func kindOf(err error) string {
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return "no responders"
	case errors.Is(err, nats.ErrTimeout):
		return "timeout"
	case errors.Is(err, nats.ErrMaxPayload):
		return "max payload"
	}
	return "other"
}

func plain(msg *nats.Msg) *message {
	return &message{Subject: msg.Subject, Reply: msg.Reply, Data: msg.Data, Headers: msg.Header}
}

func main() {
	programs := map[string]func(url string){"push": push, "streams": streams, "stores": stores}
	if len(os.Args) == 3 && programs[os.Args[1]] != nil {
		programs[os.Args[1]](os.Args[2])
		return
	}
	p := &peer{subs: map[int]*nats.Subscription{}, closed: make(chan struct{})}
	input := bufio.NewReader(os.Stdin)
	for {
		line, err := input.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			log.Fatal(err)
		}
		a, err := p.serve(&r)
		if err != nil {
			a.Error = &failure{Kind: kindOf(err), Message: err.Error()}
		}
		a.ID = &r.ID
		say(a)
	}
}
