// What the environment tells the programs: where streams are stored, and whether the server is restarted meanwhile.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var answers = bufio.NewReader(os.Stdin)

func storage() jetstream.StorageType {
	if os.Getenv("STORAGE") == "file" {
		return jetstream.FileStorage
	}
	return jetstream.MemoryStorage
}

func legacyStorage() nats.StorageType {
	return nats.StorageType(storage())
}

func dial(url string) *nats.Conn {
	return must(nats.Connect(url, nats.ReconnectWait(50*time.Millisecond), nats.MaxReconnects(-1)))
}

// restart has the server restarted by whoever runs the program, and goes on when it is there again.
func restart(nc *nats.Conn) {
	if os.Getenv("RESTART") == "" {
		return
	}
	fmt.Println("-- restart")
	must(answers.ReadString('\n'))
	for {
		if _, err := nc.Request("$JS.API.INFO", nil, time.Second); err == nil {
			return
		}
	}
}
