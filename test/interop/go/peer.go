package main

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// peer is one connection and its subscriptions, by the number the other side gave them.
type peer struct {
	nc     *nats.Conn
	name   string
	subs   map[int]*nats.Subscription
	closed chan struct{}
}

func (p *peer) serve(r *request) (answer, error) {
	switch r.Op {
	case "connect":
		return p.connect(r)
	case "subscribe":
		return answer{}, p.subscribe(r)
	case "unsubscribe":
		return answer{}, p.unsubscribe(r)
	case "respond":
		return answer{}, p.respond(r)
	case "publish":
		return answer{}, p.nc.PublishMsg(outgoing(r))
	case "request":
		return p.request(r)
	case "flush":
		return answer{}, p.nc.Flush()
	case "rtt":
		rtt, err := p.nc.RTT()
		return answer{RttMs: float64(rtt) / float64(time.Millisecond)}, err
	case "drain":
		if err := p.nc.Drain(); err != nil {
			return answer{}, err
		}
		<-p.closed
		return answer{}, nil
	}
	return answer{}, fmt.Errorf("unknown op %q", r.Op)
}

func (p *peer) connect(r *request) (answer, error) {
	nc, err := nats.Connect(r.URL,
		nats.Name(r.Name),
		nats.ReconnectWait(100*time.Millisecond),
		nats.MaxReconnects(-1),
		nats.DontRandomize(),
		nats.LameDuckModeHandler(func(*nats.Conn) { say(answer{Status: "ldm"}) }),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { say(answer{Status: "disconnect"}) }),
		nats.ReconnectHandler(func(*nats.Conn) { say(answer{Status: "reconnect"}) }),
		nats.ClosedHandler(func(*nats.Conn) { close(p.closed) }))
	if err != nil {
		return answer{}, err
	}
	p.nc, p.name = nc, r.Name
	return answer{MaxPayload: nc.MaxPayload(), Version: nc.ConnectedServerVersion()}, nil
}

func (p *peer) subscribe(r *request) error {
	number := r.Sub
	sub, err := p.nc.QueueSubscribe(r.Subject, r.Queue, func(msg *nats.Msg) {
		say(answer{Sub: &number, Message: plain(msg)})
	})
	if err != nil {
		return err
	}
	p.subs[number] = sub
	return p.nc.Flush()
}

func (p *peer) unsubscribe(r *request) error {
	sub := p.subs[r.Sub]
	var err error
	if r.Max > 0 {
		err = sub.AutoUnsubscribe(r.Max)
	} else {
		err = sub.Unsubscribe()
	}
	if err != nil {
		return err
	}
	return p.nc.Flush()
}

func (p *peer) respond(r *request) error {
	_, err := p.nc.QueueSubscribe(r.Subject, r.Queue, func(msg *nats.Msg) {
		reply := nats.NewMsg(msg.Reply)
		reply.Data = msg.Data
		for key, values := range msg.Header {
			reply.Header[key] = values
		}
		reply.Header.Set("Served-By", p.name)
		if err := msg.RespondMsg(reply); err != nil {
			panic(err)
		}
	})
	if err != nil {
		return err
	}
	return p.nc.Flush()
}

func (p *peer) request(r *request) (answer, error) {
	msg, err := p.nc.RequestMsg(outgoing(r), time.Duration(r.TimeoutMs)*time.Millisecond)
	if err != nil {
		return answer{}, err
	}
	return answer{Message: plain(msg)}, nil
}

func outgoing(r *request) *nats.Msg {
	return &nats.Msg{Subject: r.Subject, Reply: r.Reply, Data: r.Data, Header: r.Headers}
}
