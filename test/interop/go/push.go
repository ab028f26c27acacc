package main

import (
	"fmt"
	"log"
	"time"

	"github.com/nats-io/nats.go"
)

const large = 600

func demand(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func texts(sub *nats.Subscription, count int) []string {
	var got []string
	for range count {
		m, err := sub.NextMsg(10 * time.Second)
		demand(err)
		got = append(got, string(m.Data))
	}
	return got
}

// push runs push consumers in all the ways of nats.go, and prints a line for each thing that it has seen.
func push(url string) {
	nc := dial(url)
	defer nc.Close()
	js, err := nc.JetStream()
	demand(err)
	config := &nats.StreamConfig{Name: "GO", Subjects: []string{"go.>"}, Storage: legacyStorage()}
	_, err = js.AddStream(config)
	demand(err)
	for i := range 5 {
		_, err = js.Publish(fmt.Sprintf("go.%d", i%2), fmt.Appendf(nil, "%d", i))
		demand(err)
	}

	sub, err := js.SubscribeSync("go.>", nats.AckExplicit())
	demand(err)
	for range 5 {
		m, err := sub.NextMsg(10 * time.Second)
		demand(err)
		demand(m.AckSync())
		meta, err := m.Metadata()
		demand(err)
		fmt.Println("got", string(m.Data), meta.Sequence.Stream, meta.Sequence.Consumer, meta.NumPending)
	}
	info, err := sub.ConsumerInfo()
	demand(err)
	fmt.Println("info", info.PushBound, info.NumAckPending, info.AckFloor.Stream)
	demand(sub.Unsubscribe())
	_, err = js.ConsumerInfo("GO", info.Name)
	fmt.Println("gone", err)

	queue, err := js.QueueSubscribeSync("go.1", "workers", nats.Durable("workers"))
	demand(err)
	fmt.Println("queue", texts(queue, 2))
	restart(nc)
	_, err = js.SubscribeSync("go.1", nats.Durable("workers"))
	fmt.Println("refused", err)

	ordered, err := js.SubscribeSync("go.>", nats.OrderedConsumer(), nats.IdleHeartbeat(time.Second))
	demand(err)
	fmt.Println("ordered", texts(ordered, 5))
	restart(nc)
	for i := range large {
		_, err = js.Publish("go.large", append(fmt.Appendf(nil, "%d", i), make([]byte, 20_000)...))
		demand(err)
	}
	for i, text := range texts(ordered, large) {
		if text[:len(text)-20_000] != fmt.Sprint(i) {
			log.Fatalf("message %d is %q", i, text[:10])
		}
	}
	// Its consumer is lost: the client makes another one, which goes on where that was.
	info, err = ordered.ConsumerInfo()
	demand(err)
	demand(js.DeleteConsumer("GO", info.Name))
	_, err = js.Publish("go.0", []byte("behind it"))
	demand(err)
	m, err := ordered.NextMsg(30 * time.Second)
	demand(err)
	fmt.Println("reset", string(m.Data))

	limited, err := js.SubscribeSync("go.0", nats.EnableFlowControl(), nats.IdleHeartbeat(time.Second),
		nats.RateLimit(8_000_000), nats.HeadersOnly(), nats.DeliverLast())
	demand(err)
	m, err = limited.NextMsg(10 * time.Second)
	demand(err)
	fmt.Println("headers", m.Header.Get("Nats-Msg-Size"), len(m.Data))
	demand(js.DeleteStream("GO"))
}
