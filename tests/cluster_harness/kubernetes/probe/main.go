// Command probe is what the cluster's own tests run in pods: it serves its name by HTTP, and asks
// for what others serve. It is static, so an image of it holds nothing else.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const timeout = 2 * time.Second

// serve answers /who on each of the ports with the contents of FOLDER/who, which it writes.
func serve(arguments []string) error {
	folder, ports := arguments[0], arguments[1:]
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "who"), []byte(name), 0o644); err != nil {
		return err
	}
	fmt.Println("serving as", name)
	failed := make(chan error)
	for _, port := range ports {
		go func() { failed <- http.ListenAndServe(":"+port, http.FileServer(http.Dir(folder))) }()
	}
	return <-failed
}

// fetch prints what a URL answers.
func fetch(arguments []string) error {
	client := http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(arguments[0])
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", arguments[0], response.Status)
	}
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}

// dial succeeds when HOST:PORT accepts a connection.
func dial(arguments []string) error {
	connection, err := net.DialTimeout("tcp", arguments[0], timeout)
	if err != nil {
		return err
	}
	return connection.Close()
}

// write puts a text into a file.
func write(arguments []string) error {
	return os.WriteFile(arguments[0], []byte(arguments[1]), 0o644)
}

// read prints a file.
func read(arguments []string) error {
	content, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(content)
	return err
}

func fail([]string) error { return fmt.Errorf("failing, as told") }

func idle([]string) error {
	time.Sleep(time.Hour)
	return nil
}

var commands = map[string]struct {
	run     func([]string) error
	minimum int
}{
	"dial":  {dial, 1},
	"fail":  {fail, 0},
	"fetch": {fetch, 1},
	"idle":  {idle, 0},
	"read":  {read, 1},
	"serve": {serve, 2},
	"write": {write, 2},
}

func main() {
	if len(os.Args) < 2 {
		os.Exit(2)
	}
	command, known := commands[os.Args[1]]
	if !known || len(os.Args)-2 < command.minimum {
		os.Exit(2)
	}
	if err := command.run(os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
